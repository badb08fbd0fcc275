// AdamW in one pass over weights, gradient and both moments.
#include "trainer/kernels/cpu/moments.h"
#include "trainer/kernels/cpu/rounded_moments.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

// torch rounds the decayed weight before it adds the change; a product fused with this stays a
// product that the compiler cannot fuse with anything else.
constexpr float kNothing = -0.0F;

using UpdateRange = void (*)(const AdamWJob&, const AdamWNumbers&, std::int64_t, std::int64_t);

[[gnu::always_inline]] inline void update_range_scalar(const AdamWJob& job, const AdamWNumbers& n,
                                                       std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    update_moments(job.gradient[i], n.moments, job.first_moment[i], job.second_moment[i]);
    const float change =
        n.minus_rate * job.first_moment[i] / denominator(job.second_moment[i], n.moments);
    job.weights[i] = std::fma(job.weights[i], n.decay, kNothing) + change;
  }
}

void update_range_plain(const AdamWJob& job, const AdamWNumbers& n, std::int64_t begin,
                        std::int64_t end) {
  update_range_scalar(job, n, begin, end);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void update_range_avx2(const AdamWJob& job, const AdamWNumbers& n,
                                                   std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kLanes = 8;
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    __m256 first = _mm256_loadu_ps(job.first_moment + i);
    __m256 second = _mm256_loadu_ps(job.second_moment + i);
    update_moments(_mm256_loadu_ps(job.gradient + i), n.moments, first, second);
    _mm256_storeu_ps(job.first_moment + i, first);
    _mm256_storeu_ps(job.second_moment + i, second);
    const __m256 change = _mm256_div_ps(_mm256_mul_ps(_mm256_set1_ps(n.minus_rate), first),
                                        denominator(second, n.moments));
    const __m256 weights = _mm256_loadu_ps(job.weights + i);
    const __m256 decayed =
        _mm256_fmadd_ps(weights, _mm256_set1_ps(n.decay), _mm256_set1_ps(kNothing));
    _mm256_storeu_ps(job.weights + i, _mm256_add_ps(decayed, change));
  }
  update_range_scalar(job, n, i, end);
}
#endif

UpdateRange pick_update_range() {
#if defined(__x86_64__)
  if (has_avx2_and_fma()) return update_range_avx2;
#endif
  return update_range_plain;
}

}  // namespace

void adamw_update(const AdamWJob& job) {
  static const UpdateRange update_range = pick_update_range();
  const AdamWNumbers numbers = adamw_numbers(job);
  for_each_block(job.count, [&](std::int64_t begin, std::int64_t end) {
    if (!job.rounded.first) return update_range(job, numbers, begin, end);
    over_moment_pieces(job, begin, end, true,
                       [&](const AdamWJob& part) { update_range(part, numbers, 0, part.count); });
  });
}

}  // namespace bertha
