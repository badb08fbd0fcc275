// Dropout of a tile of 32 x 32 scores, of which lane 4 g + t holds the rows g + 8 i and the columns
// 2 t + e + 8 j: i, j < 4, e < 2. It needs one random byte a score, and one Philox block is 16 of
// them: that of the class (g, 2 t + e) serves exactly these, and no lane computes one in vain; in a
// turned tile (keys by queries) neither.
#pragma once

#include "trainer/kernels/cuda/flash_tiles.h"

namespace bertha::twin {

// Dropout of scores by random bytes: kept unless below a limit.
struct ByteDropout {
  std::uint32_t key0, key1;
  std::uint32_t add, large;  // see kept_bytes()
  float scale;               // of what is kept
};
inline ByteDropout byte_dropout(const FusedDropout& dropout) {
  const DropoutRow row =
      dropout_row(0, {dropout.seed, dropout.step, dropout.site, 0, dropout.rate, 0});
  const auto limit = static_cast<std::uint32_t>(std::lround(dropout.rate * 256));
  const std::uint32_t below = limit > 255 ? 255 : limit, add = (256 - below) % 128;
  return {row.key0, row.key1, add * 0x01010101U, below <= 128 ? 0xFFFFFFFFU : 0U,
          256.0F / static_cast<float>(256 - below)};
}

// Which of a lane's scores stay: bit 7 of byte j of words[e][i].
struct KeptScores {
  Words classes[2];
};
// The high bit of each byte says whether it is at least the limit: where that is up to 128, if the
// byte's own high bit is set or its other bits are at least the limit; beyond, if both are set.
BERTHA_TWIN std::uint32_t kept_bytes(std::uint32_t bytes, const ByteDropout& dropout) {
  const std::uint32_t low = (bytes & 0x7F7F7F7FU) + dropout.add;
  return (low & bytes) | (low & dropout.large) | (bytes & dropout.large);
}
BERTHA_TWIN KeptScores kept_scores(const ByteDropout& dropout, std::uint64_t sample,
                                   std::int64_t head, int query_tile, int key_tile, int lane,
                                   bool turned) {
  KeptScores kept;
  BERTHA_UNROLL
  for (int e = 0; e < 2; ++e) {
    const int row = lane / 4, column = lane % 4 * 2 + e;
    const int query = turned ? column : row, key = turned ? row : column;
    const auto bytes = philox_block(
        {static_cast<std::uint32_t>(query_tile) << 16 | static_cast<std::uint32_t>(key_tile),
         static_cast<std::uint32_t>(head * 64 + query * 8 + key),
         static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
        dropout.key0, dropout.key1, 7);
    BERTHA_UNROLL
    for (int i = 0; i < 4; ++i) {
      kept.classes[e].at[i] = kept_bytes(bytes[static_cast<std::size_t>(i)], dropout);
    }
  }
  return kept;
}
// Two halves or one whole of ones where a score stays: the high bits of bytes, spread.
BERTHA_TWIN std::uint32_t spread_bits(std::uint32_t low, std::uint32_t high, std::uint32_t bytes) {
#ifdef __CUDA_ARCH__
  std::uint32_t result = 0;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(bytes | 0x8888U));
  return result;
#else
  const std::uint64_t both = (static_cast<std::uint64_t>(high) << 32) | low;
  std::uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    const auto from = (bytes >> (4 * i)) & 7U;
    if ((both >> (8 * from + 7)) & 1U) result |= 0xFFU << (8 * i);
  }
  return result;
#endif
}
// Of the scores of both classes at word i, byte j: a mask of two bf16.
BERTHA_TWIN std::uint32_t pair_mask(const KeptScores& kept, int i, int j) {
  const auto byte = static_cast<std::uint32_t>(j);
  return spread_bits(kept.classes[0].at[i], kept.classes[1].at[i], byte * 0x1111U + 0x4400U);
}
BERTHA_TWIN float if_kept(float value, const KeptScores& kept, int e, int i, int j) {
  const std::uint32_t mask =
      spread_bits(kept.classes[e].at[i], 0, static_cast<std::uint32_t>(j) * 0x1111U);
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  bits &= mask;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace bertha::twin
