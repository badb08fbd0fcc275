// Dropout multipliers from counter-based random numbers, several counters at a time.
//
// Definition (a CUDA twin must do the same). Philox is philox_block of parallel/base/philox.h.
//   layer key  (k0, k1, -, -) = Philox(counter {step low, step high, site, 0},
//                                      key {seed low, seed high ^ 5 * 0x85EBCA6B})
//   words      w[0..3]        = Philox(counter {column / 4, row, sample low, sample high},
//                                      key {k0, k1})
//   multiplier(row, column)   = w[column % 4] < round(rate * 2^32) ? 0 : float(1 / (1 - rate))
// `row` counts from DropoutMaskJob::first_row; 5 is RandomPurpose::dropout.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/philox.h"
#include "trainer/kernels/cpu/dropout_rows.h"
#include "trainer/kernels/kernels.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bertha {
namespace {

// Below this many elements waking other threads costs more than it saves.
constexpr std::int64_t kParallelElements = 32768;

void fill_row_plain(float* out, std::uint32_t row, const DropoutRow& job) {
  for (std::int64_t column = 0; column < job.columns; column += 4) {
    const auto words =
        philox_block({static_cast<std::uint32_t>(column / 4), row, job.sample_low, job.sample_high},
                     job.key0, job.key1);
    const auto count = std::min<std::int64_t>(4, job.columns - column);
    for (std::int64_t i = 0; i < count; ++i) {
      out[column + i] = words[static_cast<std::size_t>(i)] < job.drop_below ? 0.0F : job.keep;
    }
  }
}

#if defined(__x86_64__)
// Four blocks side by side. Each 64-bit lane carries one 32-bit word of its block in its low half;
// what stands in the high half is never looked at, so products need no masking.
struct FourBlocks {
  __m256i word0, word1, word2, word3;
};

[[gnu::target("avx2"), gnu::always_inline]] inline void philox_round(FourBlocks& b, __m256i key0,
                                                                     __m256i key1) {
  const __m256i product0 = _mm256_mul_epu32(_mm256_set1_epi64x(0xD2511F53), b.word0);
  const __m256i product1 = _mm256_mul_epu32(_mm256_set1_epi64x(0xCD9E8D57), b.word2);
  b.word0 = _mm256_xor_si256(_mm256_srli_epi64(product1, 32), _mm256_xor_si256(b.word1, key0));
  b.word1 = product1;
  b.word2 = _mm256_xor_si256(_mm256_srli_epi64(product0, 32), _mm256_xor_si256(b.word3, key1));
  b.word3 = product0;
}

[[gnu::target("avx2"), gnu::always_inline]] inline void philox_rounds(FourBlocks& left,
                                                                      FourBlocks& right,
                                                                      std::uint32_t key0,
                                                                      std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const __m256i keys0 = _mm256_set1_epi64x(key0), keys1 = _mm256_set1_epi64x(key1);
    philox_round(left, keys0, keys1);
    philox_round(right, keys0, keys1);
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
}

// Eight words to eight multipliers. Unsigned words >= bound is max(word, bound) == word.
[[gnu::target("avx2"), gnu::always_inline]] inline void store_multipliers(float* out, __m256i words,
                                                                          const DropoutRow& job) {
  const __m256i bound = _mm256_set1_epi32(static_cast<int>(job.drop_below));
  const __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(words, bound), words);
  _mm256_storeu_ps(out, _mm256_and_ps(_mm256_castsi256_ps(kept), _mm256_set1_ps(job.keep)));
}

[[gnu::target("avx2"), gnu::always_inline]] inline void store_blocks(float* out,
                                                                     const FourBlocks& b,
                                                                     const DropoutRow& job) {
  // Lanes of words 0|1 and 2|3, then blocks 0|2 and 1|3, then blocks in order.
  const __m256i words01 = _mm256_blend_epi32(b.word0, _mm256_slli_epi64(b.word1, 32), 0xAA);
  const __m256i words23 = _mm256_blend_epi32(b.word2, _mm256_slli_epi64(b.word3, 32), 0xAA);
  const __m256i blocks02 = _mm256_unpacklo_epi64(words01, words23);
  const __m256i blocks13 = _mm256_unpackhi_epi64(words01, words23);
  store_multipliers(out, _mm256_permute2x128_si256(blocks02, blocks13, 0x20), job);
  store_multipliers(out + 8, _mm256_permute2x128_si256(blocks02, blocks13, 0x31), job);
}

constexpr std::int64_t kStep = 32;  // columns of two FourBlocks: their latencies overlap

[[gnu::target("avx2"), gnu::always_inline]] inline void fill_step_avx2(float* out,
                                                                       std::uint32_t row,
                                                                       const DropoutRow& job,
                                                                       std::int64_t column) {
  const __m256i block =
      _mm256_add_epi64(_mm256_set1_epi64x(column / 4), _mm256_set_epi64x(3, 2, 1, 0));
  const __m256i sample_low = _mm256_set1_epi64x(job.sample_low);
  const __m256i sample_high = _mm256_set1_epi64x(job.sample_high);
  FourBlocks left{block, _mm256_set1_epi64x(row), sample_low, sample_high};
  FourBlocks right = left;
  right.word0 = _mm256_add_epi64(block, _mm256_set1_epi64x(4));
  philox_rounds(left, right, job.key0, job.key1);
  store_blocks(out, left, job);
  store_blocks(out + kStep / 2, right, job);
}

[[gnu::target("avx2")]] void fill_row_avx2(float* out, std::uint32_t row, const DropoutRow& job) {
  std::int64_t column = 0;
  for (; column + kStep <= job.columns; column += kStep) {
    fill_step_avx2(out + column, row, job, column);
  }
  if (column < job.columns) {
    float rest[kStep];
    fill_step_avx2(rest, row, job, column);
    std::copy_n(rest, job.columns - column, out + column);
  }
}
#endif

}  // namespace

FillDropoutRow pick_fill_dropout_row() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return fill_row_avx2;
#endif
  return fill_row_plain;
}

DropoutRow dropout_row(std::int64_t columns, const DropoutMaskJob& job) {
  if (!(job.rate >= 0.0 && job.rate < 1.0)) {
    throw Error(ErrorKind::usage, fmt::format("dropout rate {} is not in [0, 1)", job.rate));
  }
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const auto high = [](std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); };
  const auto purpose = static_cast<std::uint32_t>(RandomPurpose::dropout) * 0x85EBCA6BU;
  const auto key = philox_block({low(job.step), high(job.step), job.site, 0}, low(job.seed),
                                high(job.seed) ^ purpose);
  const double threshold = std::min(std::round(job.rate * 0x1.0p32), 0x1.0p32 - 1);
  return {key[0],
          key[1],
          low(job.sample),
          high(job.sample),
          static_cast<std::uint32_t>(threshold),
          static_cast<float>(1.0 / (1.0 - job.rate)),
          columns};
}

void dropout_mask(float* out, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                  const DropoutMaskJob& job) {
  const auto shared = dropout_row(columns, job);
  static const FillDropoutRow fill_row = pick_fill_dropout_row();
#pragma omp parallel for num_threads(kernel_threads()) \
    schedule(static) if (rows * columns >= kParallelElements)
  for (std::int64_t row = 0; row < rows; ++row) {
    fill_row(out + row * stride, static_cast<std::uint32_t>(job.first_row + row), shared);
  }
}

}  // namespace bertha
