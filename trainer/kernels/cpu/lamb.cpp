// LAMB's two passes. The update is computed in both instead of being stored in between: a buffer
// the size of the model would cost more than the arithmetic.
#include <array>
#include <vector>

#include "trainer/kernels/cpu/moments.h"
#include "trainer/kernels/cpu/rounded_moments.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

constexpr std::int64_t kLanes = 8;

// Sums by lane: element i of a block adds to lane i % 8, whatever the instruction set.
struct LaneSums {
  std::array<double, kLanes> weights{}, update{};

  void add(const LaneSums& more) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] += more.weights[i];
      update[i] += more.update[i];
    }
  }
};

[[gnu::always_inline]] inline float update_of(const LambJob& job, const LambNumbers& n,
                                              std::int64_t i) {
  const float adam =
      job.first_moment[i] * n.correction1 / denominator(job.second_moment[i], n.moments);
  return std::fma(n.decay, job.weights[i], adam);
}

[[gnu::always_inline]] inline void moments_scalar(const LambJob& job, const LambNumbers& n,
                                                  std::int64_t begin, std::int64_t end,
                                                  LaneSums& sums) {
  for (std::int64_t i = begin; i < end; ++i) {
    update_moments(job.gradient[i], n.moments, job.first_moment[i], job.second_moment[i]);
    const double weight = job.weights[i], update = update_of(job, n, i);
    const auto lane = static_cast<std::size_t>((i - begin) % kLanes);
    sums.weights[lane] += weight * weight;
    sums.update[lane] += update * update;
  }
}

void moments_plain(const LambJob& job, const LambNumbers& n, std::int64_t begin, std::int64_t end,
                   LaneSums& sums) {
  moments_scalar(job, n, begin, end, sums);
}

void weights_plain(const LambJob& job, const LambNumbers& n, std::int64_t begin, std::int64_t end,
                   float rate) {
  for (std::int64_t i = begin; i < end; ++i) {
    job.weights[i] = std::fma(-rate, update_of(job, n, i), job.weights[i]);
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 update_of(const LambNumbers& n,
                                                                        __m256 weights,
                                                                        __m256 first,
                                                                        __m256 second) {
  const __m256 scaled = _mm256_mul_ps(first, _mm256_set1_ps(n.correction1));
  return _mm256_fmadd_ps(_mm256_set1_ps(n.decay), weights,
                         _mm256_div_ps(scaled, denominator(second, n.moments)));
}

[[gnu::target("avx2,fma"), gnu::always_inline]] inline void add_squares(__m256 values, __m256d& low,
                                                                        __m256d& high) {
  const __m256d front = _mm256_cvtps_pd(_mm256_castps256_ps128(values));
  const __m256d back = _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1));
  low = _mm256_fmadd_pd(front, front, low);  // the product of two floats is exact in double
  high = _mm256_fmadd_pd(back, back, high);
}

[[gnu::target("avx2,fma")]] void moments_avx2(const LambJob& job, const LambNumbers& n,
                                              std::int64_t begin, std::int64_t end,
                                              LaneSums& sums) {
  __m256d weights_low = _mm256_setzero_pd(), weights_high = weights_low;
  __m256d update_low = weights_low, update_high = weights_low;
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    __m256 first = _mm256_loadu_ps(job.first_moment + i);
    __m256 second = _mm256_loadu_ps(job.second_moment + i);
    update_moments(_mm256_loadu_ps(job.gradient + i), n.moments, first, second);
    _mm256_storeu_ps(job.first_moment + i, first);
    _mm256_storeu_ps(job.second_moment + i, second);
    const __m256 weights = _mm256_loadu_ps(job.weights + i);
    add_squares(weights, weights_low, weights_high);
    add_squares(update_of(n, weights, first, second), update_low, update_high);
  }
  _mm256_storeu_pd(sums.weights.data(), weights_low);
  _mm256_storeu_pd(sums.weights.data() + 4, weights_high);
  _mm256_storeu_pd(sums.update.data(), update_low);
  _mm256_storeu_pd(sums.update.data() + 4, update_high);
  moments_scalar(job, n, i, end, sums);
}

[[gnu::target("avx2,fma")]] void weights_avx2(const LambJob& job, const LambNumbers& n,
                                              std::int64_t begin, std::int64_t end, float rate) {
  std::int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    const __m256 weights = _mm256_loadu_ps(job.weights + i);
    const __m256 update = update_of(n, weights, _mm256_loadu_ps(job.first_moment + i),
                                    _mm256_loadu_ps(job.second_moment + i));
    _mm256_storeu_ps(job.weights + i, _mm256_fnmadd_ps(_mm256_set1_ps(rate), update, weights));
  }
  weights_plain(job, n, i, end, rate);
}
#endif

bool vectorised() {
#if defined(__x86_64__)
  static const bool here = has_avx2_and_fma();
  return here;
#else
  return false;
#endif
}

}  // namespace

LambSums lamb_moments(const LambJob& job) {
  auto* moments = moments_plain;
#if defined(__x86_64__)
  if (vectorised()) moments = moments_avx2;
#endif
  const auto numbers = lamb_numbers(job);
  std::vector<LaneSums> blocks(
      static_cast<std::size_t>((job.count + kOptimizerBlock - 1) / kOptimizerBlock));
  for_each_block(job.count, [&](std::int64_t begin, std::int64_t end) {
    auto& sums = blocks[static_cast<std::size_t>(begin / kOptimizerBlock)];
    if (!job.rounded.first) return moments(job, numbers, begin, end, sums);
    over_moment_pieces(job, begin, end, true, [&](const LambJob& part) {
      LaneSums piece;
      moments(part, numbers, 0, part.count, piece);
      sums.add(piece);
    });
  });
  LambSums sums;
  for (const auto& block : blocks) {
    for (const double value : block.weights) sums.weights += value;
    for (const double value : block.update) sums.update += value;
  }
  return sums;
}

void lamb_weights(const LambJob& job, double rate) {
  auto* update = weights_plain;
#if defined(__x86_64__)
  if (vectorised()) update = weights_avx2;
#endif
  const auto numbers = lamb_numbers(job);
  for_each_block(job.count, [&](std::int64_t begin, std::int64_t end) {
    if (!job.rounded.first) return update(job, numbers, begin, end, static_cast<float>(rate));
    over_moment_pieces(job, begin, end, false, [&](const LambJob& part) {
      update(part, numbers, 0, part.count, static_cast<float>(rate));
    });
  });
}

}  // namespace bertha
