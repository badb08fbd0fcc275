// Attention by tensor cores, forward: scores of 32 queries and 32 keys at a time, never stored; the
// softmax is corrected as larger scores come by (Dao, Fu, Ermon, Rudra, Re, "FlashAttention",
// NeurIPS 2022, algorithm 1).
#pragma once

#include "trainer/kernels/cuda/flash_dropout.h"

namespace bertha::twin {

// Powers are taken relative to the largest score so far. One that is larger by less than this, in
// powers of two, changes nothing: 2^8 fits as well as 1, and the results need no correction.
inline constexpr float kSlack = 8;

template <bool kDrop>
struct FlashForwardWork {
  FlashAttentionJob job;
  ByteDropout dropout;

  static constexpr int kBlocksAtOnce = 3;
  static constexpr int kSharedRows = kBlockRows + 4 * kStageRows;
  static constexpr int kSharedFloats = 0;

  template <class L>
  struct State {
    typename L::template Each<Words> queries[2][kDepthSteps];
    WideSums<L> output;
    typename L::template Each<Quad> tops, sums;  // of rows g + 8 i
  };

  template <class B>
  BERTHA_TWIN void operator()(std::int64_t index, const B& block, Bf16* memory) const {
    using L = typename B::Lanes;
    const FlashPart part = flash_part(job, index, job.longest_queries);
    if (part.first >= part.queries) return;
    const SharedRows queries{memory};
    copy_rows(block, queries, rows_of_head(job.query, part.query_begin, job.query_row, part.head),
              part.first, kBlockRows, part.queries);
    typename B::template PerWarp<State<L>> states;
    const auto step_warp = [&](int stage, SharedRows keys, SharedRows values) {
      block.each_warp([&](int warp) {
        if (part.first + warp * kWarpRows >= part.queries) return;
        if (stage == 0) start(states[warp], queries.from(warp * kWarpRows));
        over_steps(stage, part.keys, [&](int row, int key) {
          step(states[warp], part, warp, keys.from(row), values.from(row), key);
        });
      });
    };
    over_stages(
        block, passing_keys(job, part), queries.from(kBlockRows), [](int) {}, step_warp);
    block.each_warp([&](int warp) {
      if (part.first + warp * kWarpRows >= part.queries) return;
      finish(states[warp], part, part.first + warp * kWarpRows, queries.from(warp * kWarpRows));
    });
  }

  template <class L>
  BERTHA_TWIN static void start(State<L>& state, SharedRows queries) {
    BERTHA_UNROLL
    for (int half = 0; half < 2; ++half) {
      BERTHA_UNROLL
      for (int depth = 0; depth < kDepthSteps; ++depth) {
        load_left<L>(state.queries[half][depth], queries, 16 * half, depth);
      }
    }
    clear(state.output);
    L::each([&](int lane) {
      state.tops[lane] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
      state.sums[lane] = {0, 0, 0, 0};
    });
  }

  template <class L>
  BERTHA_TWIN void step(State<L>& state, const FlashPart& part, int warp, SharedRows keys,
                        SharedRows values, int first_key) const {
    StepSums<L> scores;
    clear(scores);
    multiply_rows<L>(
        scores,
        [&](auto& rows, int depth) {
          rows[0] = state.queries[0][depth];
          rows[1] = state.queries[1][depth];
        },
        keys);
    if (first_key + kStepRows > part.keys) hide_columns<L>(scores, part.keys - first_key);
    raise_tops(state, scores);
    StepWords<L> weights;
    L::each([&](int lane) {
      KeptScores kept;
      if constexpr (kDrop) {
        kept = kept_scores(dropout, job.samples[part.sequence], part.head,
                           (part.first + warp * kWarpRows) / kStepRows, first_key / kStepRows, lane,
                           false);
      }
      BERTHA_UNROLL
      for (int i = 0; i < 4; ++i) {
        const float top = state.tops[lane].at[i] * kPowerScale;
        BERTHA_UNROLL
        for (int j = 0; j < kStepRows / 8; ++j) {
          const float* pair = scores[i / 2][j][lane].at + i % 2 * 2;
          const float low = power_of_two(pair[0] * kPowerScale - top);
          const float high = power_of_two(pair[1] * kPowerScale - top);
          state.sums[lane].at[i] += low + high;
          std::uint32_t word = packed_pair(low, high);
          if constexpr (kDrop) word &= pair_mask(kept, i, j);
          weights[i / 2][j / 2][lane].at[i % 2 + j % 2 * 2] = word;
        }
      }
    });
    multiply_by_rows<L>(state.output, weights, values);
  }

  template <class L>
  BERTHA_TWIN void raise_tops(State<L>& state, const StepSums<L>& scores) const {
    typename L::template Each<Quad> highest;
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 4; ++i) {
        float& high = highest[lane].at[i];
        high = state.tops[lane].at[i];
        BERTHA_UNROLL
        for (int j = 0; j < kStepRows / 8; ++j) {
          const float* pair = scores[i / 2][j][lane].at + i % 2 * 2;
          high = fmaxf(high, fmaxf(pair[0], pair[1]));
        }
      }
    });
    const bool higher = L::any([&](int lane) {
      bool found = false;
      BERTHA_UNROLL
      for (int i = 0; i < 4; ++i) {
        found = found || highest[lane].at[i] > state.tops[lane].at[i] + kSlack / kPowerScale;
      }
      return found;
    });
    if (!higher) return;
    BERTHA_UNROLL
    for (int i = 0; i < 4; ++i) {
      typename L::template Each<float> top;
      L::each([&](int lane) { top[lane] = highest[lane].at[i]; });
      L::template combine<1, 4>(top, [](float a, float b) { return fmaxf(a, b); });
      L::each([&](int lane) {
        float& before = state.tops[lane].at[i];
        const float factor = power_of_two((before - top[lane]) * kPowerScale);
        before = top[lane];
        state.sums[lane].at[i] *= factor;
        BERTHA_UNROLL
        for (int n = 0; n < kHeadSize / 8; ++n) {
          state.output[i / 2][n][lane].at[i % 2 * 2] *= factor;
          state.output[i / 2][n][lane].at[i % 2 * 2 + 1] *= factor;
        }
      });
    }
  }

  template <class L>
  BERTHA_TWIN void finish(State<L>& state, const FlashPart& part, int first, SharedRows by) const {
    BERTHA_UNROLL
    for (int i = 0; i < 4; ++i) {
      typename L::template Each<float> sum;
      L::each([&](int lane) { sum[lane] = state.sums[lane].at[i]; });
      L::template combine<1, 4>(sum, [](float a, float b) { return a + b; });
      L::each([&](int lane) {
        state.sums[lane].at[i] = sum[lane];
        const int query = first + lane / 4 + 8 * i;
        if (lane % 4 != 0 || query >= part.queries) return;
        job.log_sum[part.head * job.query_count + part.query_begin + query] =
            state.tops[lane].at[i] * kPowerScale + log2f(sum[lane]);
      });
    }
    const std::int64_t hidden = job.heads * kHeadSize;
    store_rows<L>(
        state.output,
        [&](int lane, int i) { return (kDrop ? dropout.scale : 1.0F) / state.sums[lane].at[i]; },
        by, {job.output + part.query_begin * hidden + part.head * kHeadSize, hidden}, first,
        part.queries - first);
  }
};

template <class Runner>
void flash_attention_forward(const FlashAttentionJob& job, const KernelPlace&,
                             const Runner& runner) {
  const std::int64_t parts = (job.longest_queries + kBlockRows - 1) / kBlockRows;
  const std::int64_t count = parts * job.sequences * job.heads;
  const auto dropout = byte_dropout(job.dropout);
  if (dropout.scale > 1) return runner.run_blocks(FlashForwardWork<true>{job, dropout}, count);
  runner.run_blocks(FlashForwardWork<false>{job, dropout}, count);
}

}  // namespace bertha::twin
