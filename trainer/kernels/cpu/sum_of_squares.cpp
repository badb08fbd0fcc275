// Sum of squares in double. Blocks and lanes are fixed, so the order of additions, and with it
// every bit of the result, is the same on any number of threads and any instruction set.
#include <algorithm>
#include <vector>

#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

constexpr std::int64_t kBlock = 32768, kLanes = 16;

using SumBlock = double (*)(const float*, std::int64_t);

[[gnu::always_inline]] inline double sum_block(const float* values, std::int64_t count) {
  double lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      lanes[lane] += value * value;
    }
  }
  for (; i < count; ++i) {
    const double value = values[i];
    lanes[i % kLanes] += value * value;
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

double sum_block_plain(const float* values, std::int64_t count) {
  return sum_block(values, count);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] double sum_block_avx2(const float* values, std::int64_t count) {
  return sum_block(values, count);
}
#endif

SumBlock pick_sum_block() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return sum_block_avx2;
#endif
  return sum_block_plain;
}

}  // namespace

double sum_of_squares(const float* values, std::int64_t count) {
  static const SumBlock sum_of_block = pick_sum_block();
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) if (blocks > 1)
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t begin = b * kBlock;
    sums[static_cast<std::size_t>(b)] =
        sum_of_block(values + begin, std::min(kBlock, count - begin));
  }
  double sum = 0;
  for (const double block : sums) sum += block;
  return sum;
}

}  // namespace bertha
