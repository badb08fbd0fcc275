// Stochastic rounding of moments to bf16, by random numbers of their own for every step.
//
// Definition (the CUDA twin does the same). Philox is philox_block of parallel/base/philox.h.
//   words   w[0..3] = Philox(counter {element / 4 low, element / 4 high, step low, step high},
//                            key {seed low, seed high ^ 9 * 0x85EBCA6B})
//   first moment    = high half of (its fp32 bits + low half of w[element % 4])
//   second moment   = high half of (its fp32 bits + high half of w[element % 4])
// `element` counts in the flat space; 9 is RandomPurpose::moment_rounding. Where the sum carries
// into the high half, the moment is rounded away from zero: as often as the low half is large.
#include "trainer/kernels/cpu/rounded_moments.h"

#include <bit>

#include "parallel/base/philox.h"
#include "parallel/base/philox_avx2.h"

namespace bertha {
namespace {

struct RoundingKey {
  std::uint32_t key0, key1, step_low, step_high;
};

RoundingKey rounding_key(std::uint64_t seed, std::int64_t step) {
  const auto purpose = static_cast<std::uint32_t>(RandomPurpose::moment_rounding) * 0x85EBCA6BU;
  const auto number = static_cast<std::uint64_t>(step);
  return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32) ^ purpose,
          static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)};
}

float widened(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
Bf16 rounded(float value, std::uint32_t addend) {
  return {static_cast<std::uint16_t>((std::bit_cast<std::uint32_t>(value) + addend) >> 16)};
}

// piece[i] is element begin + i of the moments.
void round_plain(const MomentPiece& piece, const RoundingKey& key, const RoundedMoments& moments,
                 std::int64_t begin, std::int64_t from, std::int64_t count) {
  for (std::int64_t i = from; i < count; ++i) {
    const auto element = static_cast<std::uint64_t>(moments.first_element + begin + i);
    const auto words =
        philox_block({static_cast<std::uint32_t>(element / 4),
                      static_cast<std::uint32_t>(element / 4 >> 32), key.step_low, key.step_high},
                     key.key0, key.key1);
    const auto word = words[element % 4];
    moments.first[begin + i] = rounded(piece.first[i], word & 0xFFFFU);
    moments.second[begin + i] = rounded(piece.second[i], word >> 16);
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i high_halves(const float* values,
                                                                       __m256i addend) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values));
  return _mm256_srli_epi32(_mm256_add_epi32(bits, addend), 16);
}

// Sixteen sums, packed.
[[gnu::target("avx2"), gnu::always_inline]] inline void store_rounded(const float* values,
                                                                      __m256i front, __m256i back,
                                                                      Bf16* to) {
  const __m256i packed =
      _mm256_packus_epi32(high_halves(values, front), high_halves(values + 8, back));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permute4x64_epi64(packed, 0xD8));
}

[[gnu::target("avx2"), gnu::always_inline]] inline void round_sixteen(const MomentPiece& piece,
                                                                      const FourBlocks& blocks,
                                                                      std::int64_t i, Bf16* first,
                                                                      Bf16* second) {
  const auto words = words_in_order(blocks);
  const __m256i low_half = _mm256_set1_epi32(0xFFFF);
  store_rounded(piece.first + i, _mm256_and_si256(words.front, low_half),
                _mm256_and_si256(words.back, low_half), first + i);
  store_rounded(piece.second + i, _mm256_srli_epi32(words.front, 16),
                _mm256_srli_epi32(words.back, 16), second + i);
}

// As round_plain; the first element's number must be a multiple of 4. Returns how many are done.
[[gnu::target("avx2")]] std::int64_t round_avx2(const MomentPiece& piece, const RoundingKey& key,
                                                const RoundedMoments& moments, std::int64_t begin,
                                                std::int64_t count) {
  constexpr std::int64_t kStep = 32;
  std::int64_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    const __m256i block = _mm256_add_epi64(
        _mm256_set1_epi64x((moments.first_element + begin + i) / 4), _mm256_set_epi64x(3, 2, 1, 0));
    const __m256i next = _mm256_add_epi64(block, _mm256_set1_epi64x(4));
    const __m256i step_low = _mm256_set1_epi64x(key.step_low);
    const __m256i step_high = _mm256_set1_epi64x(key.step_high);
    FourBlocks left{block, _mm256_srli_epi64(block, 32), step_low, step_high};
    FourBlocks right{next, _mm256_srli_epi64(next, 32), step_low, step_high};
    philox_rounds(left, right, key.key0, key.key1);
    round_sixteen(piece, left, i, moments.first + begin, moments.second + begin);
    round_sixteen(piece, right, i + kStep / 2, moments.first + begin, moments.second + begin);
  }
  return i;
}
#endif

}  // namespace

void widen_moments(const RoundedMoments& moments, std::int64_t begin, std::int64_t count,
                   MomentPiece& piece) {
  for (std::int64_t i = 0; i < count; ++i) piece.first[i] = widened(moments.first[begin + i]);
  for (std::int64_t i = 0; i < count; ++i) piece.second[i] = widened(moments.second[begin + i]);
}

void round_moments(const MomentPiece& piece, std::int64_t step, const RoundedMoments& moments,
                   std::int64_t begin, std::int64_t count) {
  const auto key = rounding_key(moments.seed, step);
  std::int64_t done = 0;
#if defined(__x86_64__)
  if ((moments.first_element + begin) % 4 == 0 && __builtin_cpu_supports("avx2")) {
    done = round_avx2(piece, key, moments, begin, count);
  }
#endif
  round_plain(piece, key, moments, begin, done, count);
}

}  // namespace bertha
