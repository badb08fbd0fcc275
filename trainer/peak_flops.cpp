// A small matrix-product benchmark.
#include "trainer/peak_flops.h"

#include <algorithm>
#include <chrono>

#include <ATen/ATen.h>

namespace bertha {

double measure_peak_flops(Precision precision, at::Device device) {
  const auto type = precision == Precision::bf16   ? at::kBFloat16
                    : precision == Precision::fp16 ? at::kHalf
                                                   : at::kFloat;
  const std::int64_t size = device.is_cuda() ? 8192 : 1024;
  const auto options = at::TensorOptions().dtype(type).device(device);
  const auto a = at::randn({size, size}, options);  // a GPU is faster on ones, which flip few bits
  auto out = at::empty({size, size}, options);
  double best_seconds = 1e30;
  for (int repeat = 0; repeat < 6; ++repeat) {
    const auto begin = std::chrono::steady_clock::now();
    at::mm_out(out, a, a);
    out[0][0].item<float>();  // waits for a device
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    best_seconds = std::min(best_seconds, seconds.count());
  }
  const auto edge = static_cast<double>(size);
  return 2 * edge * edge * edge / best_seconds;
}

}  // namespace bertha
