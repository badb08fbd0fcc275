// What the forward and backward passes of flash attention share: which rows a block works on, and
// how they come by.
//
// A block takes 128 queries (or keys) of one head of one sequence, a group of four warps 64 of
// them; the others' rows come by in stages of 64.
#pragma once

#include "trainer/kernels/cuda/group_products.h"
#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

inline constexpr int kBlockRows = kBlockWarps * kWarpRows, kStageRows = 64;
static_assert(kHeadSize == 64, "8 is its root");
inline constexpr float kScoreScale = 1.0F / 8;
inline constexpr float kPowerScale = 1.4426950408889634F / 8;  // e^(x / 8) is 2 to the x times this

// The rows of a sequence that a block works on.
struct FlashPart {
  std::uint64_t sample;
  std::int64_t head;
  int first, queries, keys;  // first: the block's first query or key
  std::int64_t query_begin, key_begin;
};
BERTHA_TWIN FlashPart flash_part(const FlashAttentionJob& job, std::int64_t index,
                                 std::int64_t longest) {
  const std::int64_t parts = (longest + kBlockRows - 1) / kBlockRows;
  const std::int64_t sequence = index / parts / job.heads;
  const std::int32_t query = job.query_offsets[sequence], key = job.key_offsets[sequence];
  return {job.samples[sequence],
          index / parts % job.heads,
          static_cast<int>(index % parts) * kBlockRows,
          job.query_offsets[sequence + 1] - query,
          job.key_offsets[sequence + 1] - key,
          query,
          key};
}
// The first row of a warp's group in its block.
BERTHA_TWIN int group_row(int warp) {
  return warp / kGroupWarps * kGroupRows;
}

// Keys and values of a head, or the queries and gradients that go with them: the rows that come by.
struct PassingRows {
  FarRows<const Bf16> first, second;
  int count;
};
BERTHA_TWIN PassingRows passing_keys(const FlashAttentionJob& job, const FlashPart& part) {
  return {rows_of_head(job.key, part.key_begin, job.key_row, part.head),
          rows_of_head(job.value, part.key_begin, job.key_row, part.head), part.keys};
}
// Calls step(stage, first rows, second rows) for 64 of the rows after another, in shared memory;
// those of the next stage are on their way meanwhile. more(stage) queues what else a stage wants.
// No product may be under way when a step ends.
template <class B, class More, class Step>
BERTHA_TWIN void over_stages(const B& block, const PassingRows& rows, SharedRows memory, More more,
                             Step step) {
  const auto place = [&](int stage) { return memory.from(stage % 2 * 2 * kStageRows); };
  const auto fetch = [&](int stage) {
    copy_rows<kStageRows>(block, place(stage), rows.first, stage * kStageRows, rows.count);
    copy_rows<kStageRows>(block, place(stage).from(kStageRows), rows.second, stage * kStageRows,
                          rows.count);
    more(stage);
  };
  fetch(0);
  for (int stage = 0; stage * kStageRows < rows.count; ++stage) {
    wait_for_copies();
    show_to_products();
    block.sync();
    if ((stage + 1) * kStageRows < rows.count) fetch(stage + 1);
    step(stage, place(stage), place(stage).from(kStageRows));
  }
}
// Calls step(row, number) for kRows rows of a stage after another: row `row` of the stage, and
// `number` of all.
template <int kRows, class Step>
BERTHA_TWIN void over_steps(int stage, int count, Step step) {
  for (int row = 0; row < kStageRows; row += kRows) {
    const int number = stage * kStageRows + row;
    if (number < count) step(row, number);
  }
}

// Scores of columns from `there` on count for nothing.
template <class L, int kColumns>
BERTHA_TWIN void hide_columns(Sums<L, kColumns>& scores, int there) {
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int j = 0; j < kColumns / 8; ++j) {
      BERTHA_UNROLL
      for (int at = 0; at < 4; ++at) {
        if (8 * j + lane % 4 * 2 + at % 2 >= there) scores[j][lane].at[at] = -INFINITY;
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
BERTHA_TWIN void store_rows(const Sums<L, kHeadSize>& sums, Factor factor, SharedRows by,
                            FarRows<Bf16> to, int first, int there) {
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int i = 0; i < 2; ++i) {
      const float scale = factor(lane, i);
      BERTHA_UNROLL
      for (int n = 0; n < kHeadSize / 8; ++n) {
        const float* values = sums[n][lane].at + i * 2;
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
BERTHA_TWIN void sum_rows(const Sums<L, kHeadSize>& sums, float scale, int there, float* to) {
  BERTHA_UNROLL
  for (int n = 0; n < kHeadSize / 8; ++n) {
    BERTHA_UNROLL
    for (int e = 0; e < 2; ++e) {
      typename L::template Each<float> total;
      L::each([&](int lane) {
        total[lane] = 0;
        BERTHA_UNROLL
        for (int i = 0; i < 2; ++i) {
          if (lane / 4 + 8 * i < there) total[lane] += sums[n][lane].at[i * 2 + e];
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
