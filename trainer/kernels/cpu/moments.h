// What AdamW and LAMB share: the update of both moments and the denominator, for one element and
// for eight at once, with the same bits. Where a product is added to something it is said as a
// fused operation: otherwise the compiler decides, here one way and there another.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "trainer/kernels/moment_numbers.h"

namespace bertha {

inline constexpr std::int64_t kOptimizerBlock = 16384;  // elements one thread takes at a time

// The fused operations of torch.lerp and torch.addcmul.
[[gnu::always_inline]] inline void update_moments(float gradient, const MomentNumbers& n,
                                                  float& first, float& second) {
  const float scaled = gradient * n.gradient_scale;
  const float difference = std::fma(gradient, n.gradient_scale, -first);
  first = std::fma(n.one_minus_beta1, difference, first);
  second = std::fma(n.one_minus_beta2 * scaled, scaled, second * n.beta2);
}

[[gnu::always_inline]] inline float denominator(float second, const MomentNumbers& n) {
  return std::sqrt(second) / n.root_correction2 + n.epsilon;
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void update_moments(__m256 gradient,
                                                                           const MomentNumbers& n,
                                                                           __m256& first,
                                                                           __m256& second) {
  const __m256 scale = _mm256_set1_ps(n.gradient_scale);
  const __m256 scaled = _mm256_mul_ps(gradient, scale);
  const __m256 difference = _mm256_fmsub_ps(gradient, scale, first);
  first = _mm256_fmadd_ps(_mm256_set1_ps(n.one_minus_beta1), difference, first);
  second = _mm256_fmadd_ps(_mm256_mul_ps(_mm256_set1_ps(n.one_minus_beta2), scaled), scaled,
                           _mm256_mul_ps(second, _mm256_set1_ps(n.beta2)));
}

[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 denominator(__m256 second,
                                                                          const MomentNumbers& n) {
  return _mm256_add_ps(_mm256_div_ps(_mm256_sqrt_ps(second), _mm256_set1_ps(n.root_correction2)),
                       _mm256_set1_ps(n.epsilon));
}

inline bool has_avx2_and_fma() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

// Calls block(begin, end) for every block of [0, count), on all threads.
template <class Block>
void for_each_block(std::int64_t count, Block block) {
  const std::int64_t blocks = (count + kOptimizerBlock - 1) / kOptimizerBlock;
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) if (blocks > 1)
  for (std::int64_t b = 0; b < blocks; ++b) {
    block(b * kOptimizerBlock, std::min(count, (b + 1) * kOptimizerBlock));
  }
}

}  // namespace bertha
