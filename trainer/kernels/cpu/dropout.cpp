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
#include "parallel/base/philox_avx2.h"
#include "parallel/base/philox_avx512.h"
#include "trainer/kernels/cpu/dropout_rows.h"
#include "trainer/kernels/kernels.h"

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
  const auto words = words_in_order(b);
  store_multipliers(out, words.front, job);
  store_multipliers(out + 8, words.back, job);
}

// Columns of two FourBlocks, whose latencies overlap, or of EightBlocks.
constexpr std::int64_t kStep = 32;

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

[[gnu::target("avx512f"), gnu::always_inline]] inline void fill_step_avx512(float* out,
                                                                            std::uint32_t row,
                                                                            const DropoutRow& job,
                                                                            std::int64_t column) {
  const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  EightBlocks blocks{_mm512_add_epi64(_mm512_set1_epi64(column / 4), lanes), _mm512_set1_epi64(row),
                     _mm512_set1_epi64(job.sample_low), _mm512_set1_epi64(job.sample_high)};
  philox_rounds(blocks, job.key0, job.key1);
  const auto words = words_in_order(blocks);
  const __m512i bound = _mm512_set1_epi32(static_cast<int>(job.drop_below));
  const __m512 keep = _mm512_set1_ps(job.keep);
  const auto front = _mm512_cmpge_epu32_mask(words.front, bound);
  const auto back = _mm512_cmpge_epu32_mask(words.back, bound);
  _mm512_storeu_ps(out, _mm512_maskz_mov_ps(front, keep));
  _mm512_storeu_ps(out + kStep / 2, _mm512_maskz_mov_ps(back, keep));
}

[[gnu::target("avx512f")]] void fill_row_avx512(float* out, std::uint32_t row,
                                                const DropoutRow& job) {
  std::int64_t column = 0;
  for (; column + kStep <= job.columns; column += kStep) {
    fill_step_avx512(out + column, row, job, column);
  }
  if (column < job.columns) {
    float rest[kStep];
    fill_step_avx512(rest, row, job, column);
    std::copy_n(rest, job.columns - column, out + column);
  }
}
#endif

}  // namespace

std::vector<FillDropoutRow> fill_dropout_rows() {
  std::vector<FillDropoutRow> fills{fill_row_plain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) fills.push_back(fill_row_avx2);
  if (__builtin_cpu_supports("avx512f")) fills.push_back(fill_row_avx512);
#endif
  return fills;
}

FillDropoutRow pick_fill_dropout_row() {
  return fill_dropout_rows().back();
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
