// A small matrix-product benchmark.
#include "trainer/peak_flops.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <ATen/ATen.h>

#include "parallel/agreement.h"

namespace bertha {
namespace {

constexpr int kMostProducts = 6;       // of one size
constexpr double kMostSeconds = 0.08;  // then no further product begins

}  // namespace

double measure_peak_flops(Precision precision, at::Device device) {
  const auto type = precision == Precision::bf16   ? at::kBFloat16
                    : precision == Precision::fp16 ? at::kHalf
                                                   : at::kFloat;
  const auto options = at::TensorOptions().dtype(type).device(device);
  // A GPU needs large matrices. On a CPU, the small ones are for types that it has no fast product
  // for: of a size of 1024, one takes seconds in fp16.
  const std::vector<std::int64_t> sizes = device.is_cuda()
                                              ? std::vector<std::int64_t>{8192}
                                              : std::vector<std::int64_t>{256, 512, 1024};
  const double most_seconds = device.is_cuda() ? 1e30 : kMostSeconds;
  double best = 0, spent = 0;
  for (const std::int64_t size : sizes) {
    const auto a =
        at::randn({size, size}, options);  // a GPU is faster on ones, which flip few bits
    auto out = at::empty({size, size}, options);
    const double operations = 2 * static_cast<double>(size * size * size);
    for (int product = 0; product < kMostProducts && spent < most_seconds; ++product) {
      const auto begin = std::chrono::steady_clock::now();
      at::mm_out(out, a, a);
      out[0][0].item<float>();  // waits for a device
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      spent += seconds.count();
      best = std::max(best, operations / seconds.count());
    }
    if (spent >= most_seconds) break;
  }
  return best;
}

double agreed_peak_flops(Precision precision, at::Device device, Communicator& communicator) {
  const double peak[] = {measure_peak_flops(precision, device)};
  return agree_sum(communicator, peak)[0];
}

}  // namespace bertha
