// What the forward and backward passes of flash attention share: which rows a block works on, how
// they lie in shared memory, and dropout of tiles.
//
// A block takes 128 queries (or keys) of one head of one sequence, a warp 32 of them; the others'
// rows come by in stages of 64, and are worked on in steps of 32. So everything happens to tiles of
// 32 x 32 scores, of which lane 4 g + t holds the rows g + 8 i and the columns 2 t + e + 8 j: i, j
// < 4, e < 2. Dropout needs one random byte a score, and one Philox block is 16 of them: that of
// the class (g, 2 t + e) serves exactly these, and no lane computes one in vain; in a turned tile
// (keys by queries) neither.
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"
#include "trainer/kernels/cuda/tiles.h"

namespace bertha::twin {

inline constexpr int kHeadSize = FlashAttentionJob::kHeadSize;
inline constexpr int kWarpRows = 32, kBlockRows = kBlockWarps * kWarpRows;
inline constexpr int kStageRows = 64, kStepRows = 32;
inline constexpr int kPieces = kHeadSize / kOctet;  // of 16 bytes, in a row
inline constexpr int kDepthSteps = kHeadSize / 16;  // products over a row
inline constexpr float kLog2E = 1.4426950408889634F;

// A warp's 32 rows: tiles of 16 x 8 sums over 64 columns, or over 32.
template <class L>
using WideSums = typename L::template Each<Quad>[2][kHeadSize / 8];
template <class L>
using StepSums = typename L::template Each<Quad>[2][kStepRows / 8];

template <class Tiles>
BERTHA_TWIN void clear(Tiles& tiles) {
  BERTHA_UNROLL
  for (auto& row : tiles) {
    BERTHA_UNROLL
    for (auto& tile : row) tile = {};
  }
}

// The rows of a sequence that a block works on.
struct FlashPart {
  std::int64_t sequence, head;
  int first, queries, keys;  // first: the block's first query or key
  std::int64_t query_begin, key_begin;
};
BERTHA_TWIN FlashPart flash_part(const FlashAttentionJob& job, std::int64_t index,
                                 std::int64_t longest) {
  const std::int64_t parts = (longest + kBlockRows - 1) / kBlockRows;
  const std::int64_t sequence = index / parts / job.heads;
  const std::int32_t query = job.query_offsets[sequence], key = job.key_offsets[sequence];
  return {sequence,
          index / parts % job.heads,
          static_cast<int>(index % parts) * kBlockRows,
          job.query_offsets[sequence + 1] - query,
          job.key_offsets[sequence + 1] - key,
          query,
          key};
}

// Rows of 64 numbers in shared memory. The pieces of a row stand in an order that depends on the
// row, so that eight rows' pieces of one number lie in different banks.
struct SharedRows {
  Bf16* memory;

  BERTHA_TWIN Bf16* piece(int row, int number) const {
    return memory + row * kHeadSize + (number ^ (row % kPieces)) * kOctet;
  }
  BERTHA_TWIN SharedRows from(int row) const {  // a multiple of eight
    return {memory + row * kHeadSize};
  }
};
// Rows of a head in far memory.
template <class T>
struct FarRows {
  T* memory;
  std::int64_t row;

  BERTHA_TWIN T* piece(std::int64_t number, int piece) const {
    return memory + number * row + piece * kOctet;
  }
};

// Queues the copy of rows first ... first + count; rows from `end` on become zeros.
template <class B>
BERTHA_TWIN void copy_rows(const B& block, SharedRows to, FarRows<const Bf16> from, int first,
                           int count, int end) {
  block.each_thread([&](int thread) {
    BERTHA_UNROLL
    for (int i = thread; i < count * kPieces; i += kBlockThreads) {
      const int row = i / kPieces, piece = i % kPieces;
      const bool there = first + row < end;
      copy_piece(to.piece(row, piece), from.piece(there ? first + row : 0, piece), there);
    }
  });
}

// Sixteen rows and columns as the left matrix of a product.
template <class L>
BERTHA_TWIN void load_left(typename L::template Each<Words>& to, SharedRows rows, int first,
                           int depth) {
  load_matrices<L, false>(
      to, [&](int lane) { return rows.piece(first + lane % 16, 2 * depth + lane / 16); });
}
// Sixteen rows, each a column of the right matrix: words 0, 1 are its first eight columns, 2, 3 the
// others.
template <class L>
BERTHA_TWIN void load_right(typename L::template Each<Words>& to, SharedRows rows, int first,
                            int depth) {
  load_matrices<L, false>(to, [&](int lane) {
    return rows.piece(first + lane % 8 + lane / 16 * 8, 2 * depth + lane / 8 % 2);
  });
}
// Sixteen rows, each a row of the right matrix, and sixteen of its columns.
template <class L>
BERTHA_TWIN void load_right_as_it_lies(typename L::template Each<Words>& to, SharedRows rows,
                                       int first, int column_step) {
  load_matrices<L, true>(
      to, [&](int lane) { return rows.piece(first + lane % 16, 2 * column_step + lane / 16); });
}

// sums += left right^T, where right is 32 rows; left is in registers, or loaded by left(depth,
// half).
template <class L, class Left>
BERTHA_TWIN void multiply_rows(StepSums<L>& sums, Left left, SharedRows right) {
  BERTHA_UNROLL
  for (int depth = 0; depth < kDepthSteps; ++depth) {
    typename L::template Each<Words> columns[2], rows[2];
    load_right<L>(columns[0], right, 0, depth);
    load_right<L>(columns[1], right, 16, depth);
    left(rows, depth);
    BERTHA_UNROLL
    for (int half = 0; half < 2; ++half) {
      BERTHA_UNROLL
      for (int n = 0; n < kStepRows / 8; ++n) {
        multiply_tiles<L>(sums[half][n], rows[half], columns[n / 2], n % 2 * 2, n % 2 * 2 + 1);
      }
    }
  }
}

// Sums as the left matrix of the next product, rounded: [half][16 columns].
template <class L>
using StepWords = typename L::template Each<Words>[2][kStepRows / 16];

// sums += left right, where right is 32 rows of 64 columns.
template <class L>
BERTHA_TWIN void multiply_by_rows(WideSums<L>& sums, const StepWords<L>& left, SharedRows right) {
  BERTHA_UNROLL
  for (int k = 0; k < kStepRows / 16; ++k) {
    BERTHA_UNROLL
    for (int n = 0; n < kHeadSize / 16; ++n) {
      typename L::template Each<Words> rows;
      load_right_as_it_lies<L>(rows, right, 16 * k, n);
      BERTHA_UNROLL
      for (int half = 0; half < 2; ++half) {
        multiply_tiles<L>(sums[half][2 * n], left[half][k], rows, 0, 1);
        multiply_tiles<L>(sums[half][2 * n + 1], left[half][k], rows, 2, 3);
      }
    }
  }
}

// Scores of columns from `there` on count for nothing.
template <class L>
BERTHA_TWIN void hide_columns(StepSums<L>& scores, int there) {
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int i = 0; i < 4; ++i) {
      BERTHA_UNROLL
      for (int j = 0; j < kStepRows / 8; ++j) {
        BERTHA_UNROLL
        for (int e = 0; e < 2; ++e) {
          if (8 * j + lane % 4 * 2 + e >= there)
            scores[i / 2][j][lane].at[i % 2 * 2 + e] = -INFINITY;
        }
      }
    }
  });
}

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

// 2 ^ x
BERTHA_TWIN float power_of_two(float x) {
#ifdef __CUDA_ARCH__
  float power = 0;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
  return power;
#else
  return exp2f(x);
#endif
}

// Writes a warp's rows of sums, times factor(lane, i) for row g + 8 i, by way of rows in shared
// memory that are the warp's own; as many as there are.
template <class L, class Factor>
BERTHA_TWIN void store_rows(const WideSums<L>& sums, Factor factor, SharedRows by, FarRows<Bf16> to,
                            int first, int there) {
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float scale = factor(lane, i);
      BERTHA_UNROLL
      for (int n = 0; n < kHeadSize / 8; ++n) {
        const float* values = sums[i / 2][n][lane].at + i % 2 * 2;
        const std::uint32_t pair = packed_pair(values[0] * scale, values[1] * scale);
        memcpy(by.piece(lane / 4 + 8 * i, n) + lane % 4 * 2, &pair, sizeof pair);
      }
    }
  });
  L::wait();
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int i = 0; i < kWarpRows * kPieces / kLanes; ++i) {
      const int row = i * kLanes / kPieces + lane / kPieces, piece = lane % kPieces;
      if (row >= there) continue;
      *reinterpret_cast<Packed<Bf16>*>(to.piece(first + row, piece)) =
          *reinterpret_cast<const Packed<Bf16>*>(by.piece(row, piece));
    }
  });
}

// Adds up a warp's rows, as many as there are, times `scale`: to[64].
template <class L>
BERTHA_TWIN void sum_rows(const WideSums<L>& sums, float scale, int there, float* to) {
  BERTHA_UNROLL
  for (int n = 0; n < kHeadSize / 8; ++n) {
    BERTHA_UNROLL
    for (int e = 0; e < 2; ++e) {
      typename L::template Each<float> total;
      L::each([&](int lane) {
        total[lane] = 0;
        BERTHA_UNROLL
        for (int i = 0; i < 4; ++i) {
          if (lane / 4 + 8 * i < there) total[lane] += sums[i / 2][n][lane].at[i % 2 * 2 + e];
        }
      });
      L::template combine<4, kLanes>(total, [](float a, float b) { return a + b; });
      L::each([&](int lane) {
        if (lane < 4) to[n * 8 + lane * 2 + e] = total[lane] * scale;
      });
    }
  }
}

}  // namespace bertha::twin
