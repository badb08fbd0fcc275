// What the forward and backward passes of flash attention share: which rows a block works on, and
// how they come by.
//
// A block takes 128 queries (or keys) of one head of one sequence, a group of four warps 64 of
// them; the others' rows come by in stages of 64.
#pragma once

#include <type_traits>

#include "trainer/kernels/cuda/group_products.h"
#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

inline constexpr int kBlockRows = kBlockWarps * kWarpRows, kStageRows = 64;
// A stage's two matrices are worked on, the last one's may still be, the next one's come.
inline constexpr int kStages = 3, kStagesRows = kStages * 2 * kStageRows;
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
// A stage's rows in shared memory, and those of the stage before.
struct Stage {
  int number;
  SharedRows now, before;

  BERTHA_TWIN static SharedRows second(SharedRows rows) { return rows.from(kStageRows); }
};
// Calls step(first, stage, slot) for 64 of the rows after another, first: std::bool_constant, never
// true unless kApart; those of the next stage are on their way meanwhile. more(stage) queues what
// else a stage wants. A step may use the rows of the stage before as well, if at its end no product
// of these is under way.
template <bool kApart, class B, class More, class Step>
BERTHA_TWIN void over_stages(const B& block, const PassingRows& rows, SharedRows memory, More more,
                             Step step) {
  const auto fetch = [&](int stage, int slot) {
    const SharedRows to = memory.from(slot * 2 * kStageRows);
    copy_rows<kStageRows>(block, to, rows.first, stage * kStageRows, rows.count);
    copy_rows<kStageRows>(block, Stage::second(to), rows.second, stage * kStageRows, rows.count);
    more(stage, slot);
  };
  const auto next = [](int slot) { return slot + 1 < kStages ? slot + 1 : 0; };
  const auto begin = [&](int stage, int slot) {
    wait_for_copies();
    show_to_products();
    block.sync();
    if ((stage + 1) * kStageRows < rows.count) fetch(stage + 1, next(slot));
    return memory.from(slot * 2 * kStageRows);
  };
  if (rows.count <= 0) return;
  fetch(0, 0);
  int slot = 0;
  SharedRows before = memory;
  if constexpr (kApart) {
    begin(0, slot);
    step(std::true_type(), Stage{0, before, before}, slot);
    slot = next(slot);
  }
  for (int stage = kApart ? 1 : 0; stage * kStageRows < rows.count; ++stage) {
    const SharedRows now = begin(stage, slot);
    step(std::false_type(), Stage{stage, now, before}, slot);
    before = now;
    slot = next(slot);
  }
}
// Calls step(first, row, number) for kRows rows of a stage after another: row `row` of the stage,
// and `number` of all.
template <int kRows, class First, class Step>
BERTHA_TWIN void over_steps(First first, int stage, int count, Step step) {
  if constexpr (First::value) step(first, 0, 0);
  for (int row = First::value ? kRows : 0; row < kStageRows; row += kRows) {
    const int number = stage * kStageRows + row;
    if (number < count) step(std::false_type(), row, number);
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

// Rows from `there` on become zeros.
template <class L>
BERTHA_TWIN void clear_rows(Sums<L, kHeadSize>& sums, int there) {
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (auto& tile : sums) {
      BERTHA_UNROLL
      for (int at = 0; at < 4; ++at) {
        if (lane / 4 + at / 2 * 8 >= there) tile[lane].at[at] = 0;
      }
    }
  });
}
// Lanes of the same columns halve what they hold with every exchange.
template <class L, int kHeld, int kDistance = 4>
BERTHA_TWIN void fold_columns(typename L::template Each<float> (&totals)[kHeadSize / 4]) {
  constexpr int half = kHeld / 2;
  BERTHA_UNROLL
  for (int i = 0; i < half; ++i) {
    typename L::template Each<float> sent;
    L::each([&](int lane) {
      const float low = totals[i][lane], high = totals[half + i][lane];
      const bool upper = (lane & kDistance) != 0;
      totals[i][lane] = upper ? high : low;
      sent[lane] = upper ? low : high;
    });
    L::exchange(sent, kDistance);
    L::each([&](int lane) { totals[i][lane] += sent[lane]; });
  }
  if constexpr (2 * kDistance < kLanes) fold_columns<L, half, 2 * kDistance>(totals);
}
// Adds up a warp's 16 rows, times `scale`: to[64].
template <class L>
BERTHA_TWIN void sum_rows(const Sums<L, kHeadSize>& sums, float scale, float* to) {
  typename L::template Each<float> totals[kHeadSize / 4];
  L::each([&](int lane) {
    BERTHA_UNROLL
    for (int i = 0; i < kHeadSize / 4; ++i) {
      const auto& tile = sums[i / 2][lane].at;
      totals[i][lane] = tile[i % 2] + tile[2 + i % 2];
    }
  });
  fold_columns<L, kHeadSize / 4>(totals);
  L::each([&](int lane) {
    const int tile = lane / 4 % 2 * 4 + lane / 8 % 2 * 2 + lane / 16;
    to[tile * 8 + lane % 4 * 2] = totals[0][lane] * scale;
    to[tile * 8 + lane % 4 * 2 + 1] = totals[1][lane] * scale;
  });
}

}  // namespace bertha::twin
