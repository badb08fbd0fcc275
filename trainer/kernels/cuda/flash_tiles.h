// What the forward and backward passes of flash attention share: which rows a block works on, and
// how they lie in shared memory.
//
// A block takes 128 queries (or keys) of one head of one sequence, a warp 32 of them; the others'
// rows come by in stages of 64, and are worked on in steps of 32.
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"
#include "trainer/kernels/cuda/tiles.h"

namespace bertha::twin {

inline constexpr int kHeadSize = FlashAttentionJob::kHeadSize;
inline constexpr int kWarpRows = 32, kBlockRows = kBlockWarps * kWarpRows;
inline constexpr int kStageRows = 64, kStepRows = 32;
inline constexpr int kPieces = kHeadSize / kOctet;  // of 16 bytes, in a row
inline constexpr int kDepthSteps = kHeadSize / 16;  // products over a row
static_assert(kHeadSize == 64, "8 is its root");
inline constexpr float kScoreScale = 1.0F / 8;
inline constexpr float kPowerScale = 1.4426950408889634F / 8;  // e^(x / 8) is 2 to the x times this

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

// Rows of `heads * 64` numbers, from `begin` on, at the head's columns.
template <class T>
BERTHA_TWIN FarRows<T> rows_of_head(T* matrix, std::int64_t begin, std::int64_t row,
                                    std::int64_t head) {
  return {matrix + begin * row + head * kHeadSize, row};
}

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

// Keys and values of a head, or the queries and gradients that go with them: the rows that come by.
struct PassingRows {
  FarRows<const Bf16> first, second;
  int count;
};
// Calls step(stage, first rows, second rows) for 64 of the rows after another, in shared memory;
// those of the next stage are on their way meanwhile. more(stage) queues what else a stage wants.
template <class B, class More, class Step>
BERTHA_TWIN void over_stages(const B& block, const PassingRows& rows, SharedRows memory, More more,
                             Step step) {
  const auto place = [&](int stage) { return memory.from(stage % 2 * 2 * kStageRows); };
  const auto fetch = [&](int stage) {
    copy_rows(block, place(stage), rows.first, stage * kStageRows, kStageRows, rows.count);
    copy_rows(block, place(stage).from(kStageRows), rows.second, stage * kStageRows, kStageRows,
              rows.count);
    more(stage);
  };
  fetch(0);
  end_group();
  for (int stage = 0; stage * kStageRows < rows.count; ++stage) {
    if ((stage + 1) * kStageRows < rows.count) fetch(stage + 1);
    end_group();
    wait_for_groups<1>();
    block.sync();
    step(stage, place(stage), place(stage).from(kStageRows));
    block.sync();
  }
}

// Calls step(row, number) for the 32 rows from `row` of a stage on, which is row `number` of all.
template <class Step>
BERTHA_TWIN void over_steps(int stage, int count, Step step) {
  for (int row = 0; row < kStageRows; row += kStepRows) {
    const int number = stage * kStageRows + row;
    if (number < count) step(row, number);
  }
}
BERTHA_TWIN PassingRows passing_keys(const FlashAttentionJob& job, const FlashPart& part) {
  return {rows_of_head(job.key, part.key_begin, job.key_row, part.head),
          rows_of_head(job.value, part.key_begin, job.key_row, part.head), part.keys};
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
