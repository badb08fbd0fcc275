// Dropout of scores, one random byte each, of which a Philox block is 16.
//
// Tiles are of 16 queries x 16 keys. A block is for the queries 8 i + 2 a + q and the keys
// 8 j + 2 b + k of a tile: i, j, q, k < 2, and (a, b) is which of the tile's 16 blocks. Lane 4 g +
// t holds scores of row g and columns 2 t, 2 t + 1 of each eight rows and columns, so that of a
// block's bytes it needs half, and lane 4 (g ^ 1) + t the other: of two tiles side by side each
// computes a block, and they exchange halves. With rows and columns turned (keys by queries) the
// same holds; no lane computes a byte in vain.
//
// Byte (i, j, q, k) is in word 2 (q ^ key tile) + i, there byte 2 j + (k ^ query tile), of whose
// numbers the last bit counts: so what a lane keeps is at the same place in all lanes.
#pragma once

#include "trainer/kernels/cuda/flash_tiles.h"

namespace bertha::twin {

inline constexpr int kDropoutTile = 16, kDropoutColumns = 2 * kDropoutTile;

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

// The high bit of each byte says whether it is at least the limit: where that is up to 128, if the
// byte's own high bit is set or its other bits are at least the limit; beyond, if both are set.
BERTHA_TWIN std::uint32_t kept_bytes(std::uint32_t bytes, const ByteDropout& dropout) {
  const std::uint32_t low = (bytes & 0x7F7F7F7FU) + dropout.add;
  return (low & bytes) | (low & dropout.large) | (bytes & dropout.large);
}

// Four of the eight bytes of two words, a digit of `which` for each.
BERTHA_TWIN std::uint32_t chosen_bytes(std::uint32_t low, std::uint32_t high, std::uint32_t which) {
#ifdef __CUDA_ARCH__
  return __byte_perm(low, high, which);
#else
  const std::uint64_t both = (static_cast<std::uint64_t>(high) << 32) | low;
  std::uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= static_cast<std::uint32_t>((both >> (8 * ((which >> (4 * i)) & 7U))) & 255U)
              << (8 * i);
  }
  return result;
#endif
}
// The same with each byte's high bit in place of all its bits.
BERTHA_TWIN std::uint32_t spread_bits(std::uint32_t low, std::uint32_t high, std::uint32_t which) {
#ifdef __CUDA_ARCH__
  std::uint32_t result = 0;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(result) : "r"(low), "r"(high), "r"(which | 0x8888U));
  return result;
#else
  return ((chosen_bytes(low, high, which) >> 7) & 0x01010101U) * 255U;
#endif
}

// Where a warp's 16 rows and 32 columns of scores are; first column tile: even.
struct DropoutPlace {
  std::uint64_t sample;
  std::int64_t head;
  int row_tile, column_tile;
};
// Which of a lane's scores in 16 rows and 32 columns stay, by the high bits of bytes.
struct KeptScores {
  std::uint32_t own[2], other[2];
  std::uint32_t which;  // for spread_bits(), of the first score
};
template <class L>
using EachKept = typename L::template Each<KeptScores>;

// kTurned: rows are keys, columns queries.
template <bool kTurned, class L>
BERTHA_TWIN void draw_kept(EachKept<L>& kept, const ByteDropout& dropout,
                           const DropoutPlace& place) {
  typename L::template Each<std::uint32_t> sent[2];
  L::each([&](int lane) {
    const int row = lane / 4, odd = row % 2, pair = lane % 4;
    const int column_tile = place.column_tile + odd;
    const int query_tile = kTurned ? column_tile : place.row_tile;
    const int key_tile = kTurned ? place.row_tile : column_tile;
    const int block = kTurned ? pair * 4 + row / 2 : row / 2 * 4 + pair;
    auto words = philox_block(
        {static_cast<std::uint32_t>(query_tile) << 16 | static_cast<std::uint32_t>(key_tile),
         static_cast<std::uint32_t>(place.head * 16 + block),
         static_cast<std::uint32_t>(place.sample), static_cast<std::uint32_t>(place.sample >> 32)},
        dropout.key0, dropout.key1, 7);
    BERTHA_UNROLL
    for (std::size_t i = 0; i < 4; ++i) words[i] = kept_bytes(words[i], dropout);
    BERTHA_UNROLL
    for (std::size_t i = 0; i < 2; ++i) {
      kept[lane].own[i] = kTurned ? chosen_bytes(words[i], words[2 + i], 0x6420U) : words[i];
      sent[i][lane] = kTurned ? chosen_bytes(words[i], words[2 + i], 0x7531U) : words[2 + i];
    }
    const int tile = place.row_tile % 2;
    kept[lane].which = static_cast<std::uint32_t>(4 * odd + (kTurned ? 2 * tile : tile)) * 0x1111U;
  });
  BERTHA_UNROLL
  for (int i = 0; i < 2; ++i) {
    L::exchange(sent[i], 4);
    L::each([&](int lane) { kept[lane].other[i] = sent[i][lane]; });
  }
}
// Of row g + 8 i and the columns 2 t and 2 t + 1 of the eight columns `j` < 4: a mask of two bf16.
template <bool kTurned>
BERTHA_TWIN std::uint32_t pair_mask(const KeptScores& kept, int i, int j) {
  const int word = kTurned ? j % 2 : i, inner = kTurned ? i : j % 2 * 2;
  const auto differ = static_cast<std::uint32_t>(j / 2 * 4 + inner) * 0x1111U;
  return spread_bits(kept.own[word], kept.other[word],
                     kept.which ^ differ ^ (kTurned ? 0x2200U : 0x1100U));
}
// Of one of these two columns: the value, or zero.
template <bool kTurned>
BERTHA_TWIN float if_kept(float value, const KeptScores& kept, int e, int i, int j) {
  const int word = kTurned ? j % 2 : i, inner = kTurned ? 2 * e + i : j % 2 * 2 + e;
  const auto differ = static_cast<std::uint32_t>(j / 2 * 4 + inner) * 0x1111U;
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  bits &= spread_bits(kept.own[word], kept.other[word], kept.which ^ differ);
  memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace bertha::twin
