// philox_block of parallel/base/philox.h for several counters at a time.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>

namespace bertha {

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

// The sixteen words, block after block.
struct SixteenWords {
  __m256i front, back;
};
[[gnu::target("avx2"), gnu::always_inline]] inline SixteenWords words_in_order(
    const FourBlocks& b) {
  // Lanes of words 0|1 and 2|3, then blocks 0|2 and 1|3, then blocks in order.
  const __m256i words01 = _mm256_blend_epi32(b.word0, _mm256_slli_epi64(b.word1, 32), 0xAA);
  const __m256i words23 = _mm256_blend_epi32(b.word2, _mm256_slli_epi64(b.word3, 32), 0xAA);
  const __m256i blocks02 = _mm256_unpacklo_epi64(words01, words23);
  const __m256i blocks13 = _mm256_unpackhi_epi64(words01, words23);
  return {_mm256_permute2x128_si256(blocks02, blocks13, 0x20),
          _mm256_permute2x128_si256(blocks02, blocks13, 0x31)};
}

}  // namespace bertha
#endif
