// philox_block of parallel/base/philox.h for eight counters at a time.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>

namespace bertha {

// Eight blocks side by side, as FourBlocks has four.
struct EightBlocks {
  __m512i word0, word1, word2, word3;
};

[[gnu::target("avx512f"), gnu::always_inline]] inline void philox_rounds(EightBlocks& b,
                                                                         std::uint32_t key0,
                                                                         std::uint32_t key1) {
  // The high half of a lane moves down by a shuffle: multiplications keep the shifter's port busy.
  constexpr auto kHighDown = static_cast<_MM_PERM_ENUM>(0xF5);
  constexpr int kXorOfThree = 0x96;
  __m512i keys0 = _mm512_set1_epi64(key0), keys1 = _mm512_set1_epi64(key1);
  for (int round = 0; round < 10; ++round) {
    const __m512i product0 = _mm512_mul_epu32(_mm512_set1_epi64(0xD2511F53), b.word0);
    const __m512i product1 = _mm512_mul_epu32(_mm512_set1_epi64(0xCD9E8D57), b.word2);
    const __m512i high0 = _mm512_shuffle_epi32(product0, kHighDown);
    const __m512i high1 = _mm512_shuffle_epi32(product1, kHighDown);
    b.word0 = _mm512_ternarylogic_epi64(high1, b.word1, keys0, kXorOfThree);
    b.word1 = product1;
    b.word2 = _mm512_ternarylogic_epi64(high0, b.word3, keys1, kXorOfThree);
    b.word3 = product0;
    keys0 = _mm512_add_epi32(keys0, _mm512_set1_epi64(0x9E3779B9));
    keys1 = _mm512_add_epi32(keys1, _mm512_set1_epi64(0xBB67AE85));
  }
}

// The 32 words, block after block.
struct ThirtyTwoWords {
  __m512i front, back;
};
[[gnu::target("avx512f"), gnu::always_inline]] inline ThirtyTwoWords words_in_order(
    const EightBlocks& b) {
  const __m512i words01 = _mm512_mask_blend_epi32(0xAAAA, b.word0, _mm512_slli_epi64(b.word1, 32));
  const __m512i words23 = _mm512_mask_blend_epi32(0xAAAA, b.word2, _mm512_slli_epi64(b.word3, 32));
  const __m512i first = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);  // 8 and up: of words23
  const __m512i last = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
  return {_mm512_permutex2var_epi64(words01, first, words23),
          _mm512_permutex2var_epi64(words01, last, words23)};
}

}  // namespace bertha
#endif
