// Attention by tensor cores, forward: a warp has scores of 16 queries and 64 keys at a time, never
// stored; the softmax is corrected as larger scores come by (Dao, Fu, Ermon, Rudra, Re,
// "FlashAttention", NeurIPS 2022, algorithm 1).
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

  static constexpr int kBlocksAtOnce = 2;
  static constexpr int kSharedRows = kBlockRows + kStagesRows;
  static constexpr int kSharedFloats = 0;
  static constexpr int kColumns = kStageRows;  // keys of a step: a stage's

  template <class L>
  struct State {
    Sums<L, kHeadSize> output;
    LeftWords<L, kColumns> weights;                     // of the last step
    typename L::template Each<float> tops[2], sums[2];  // of rows g + 8 i
  };

  template <class B>
  BERTHA_TWIN void operator()(std::int64_t index, const B& block, Bf16* memory) const {
    using L = typename B::Lanes;
    const FlashPart part = flash_part(job, index, job.longest_queries);
    if (part.first >= part.queries) return;
    const SharedRows queries{memory};
    copy_rows<kBlockRows>(block, queries,
                          rows_of_head(job.query, part.query_begin, job.query_row, part.head),
                          part.first, part.queries);
    typename B::template PerWarp<State<L>> states;
    SharedRows values{};  // of the last step
    const auto step_warp = [&](auto first, const Stage& stage, int) {
      block.each_warp([&](int warp) {
        if (part.first + group_row(warp) >= part.queries) return;
        if (first) start(states[warp]);
        step(first, states[warp], part, warp, queries.from(group_row(warp)), stage);
      });
      values = Stage::second(stage.now);
    };
    over_stages<true>(
        block, passing_keys(job, part), queries.from(kBlockRows), [](int, int) {}, step_warp);
    block.each_warp([&](int warp) {
      if (part.first + group_row(warp) >= part.queries) return;
      begin_products();
      multiply_by_rows<L, kColumns>(states[warp].output, states[warp].weights, values);
      end_products();
      wait_for_products();
      settle(states[warp].output);
    });
    block.sync();
    block.each_warp([&](int warp) {
      if (part.first + group_row(warp) >= part.queries) return;
      finish(states[warp], part, part.first + warp * kWarpRows, queries.from(warp * kWarpRows));
    });
  }

  template <class L>
  BERTHA_TWIN static void start(State<L>& state) {
    clear(state.output);
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 2; ++i) {
        state.tops[i][lane] = -INFINITY;
        state.sums[i][lane] = 0;
      }
    });
  }

  // The values of the step before are multiplied beside the scores of this one.
  template <class First, class L>
  BERTHA_TWIN void step(First, State<L>& state, const FlashPart& part, int warp, SharedRows queries,
                        const Stage& stage) const {
    const int first_key = stage.number * kColumns;
    Sums<L, kColumns> scores;
    begin_products();
    if constexpr (!First::value) {
      multiply_by_rows<L, kColumns>(state.output, state.weights, Stage::second(stage.before));
    }
    multiply_rows<L, kColumns>(scores, queries, warp, stage.now);
    end_products();
    EachKept<L> kept[kColumns / kDropoutColumns];
    if constexpr (kDrop) {
      BERTHA_UNROLL
      for (int half = 0; half < kColumns / kDropoutColumns; ++half) {
        draw_kept<false, L>(kept[half], dropout,
                            {part.sample, part.head, part.first / kDropoutTile + warp,
                             first_key / kDropoutTile + 2 * half});
      }
    }
    wait_for_products();
    settle(scores);
    settle(state.output);
    if (first_key + kColumns > part.keys) {
      hide_columns<L, kColumns>(scores, part.keys - first_key);
    }
    raise_tops(state, scores);
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 2; ++i) {
        const float top = state.tops[i][lane] * kPowerScale;
        BERTHA_UNROLL
        for (int j = 0; j < kColumns / 8; ++j) {
          const float* pair = scores[j][lane].at + i * 2;
          const float low = power_of_two(pair[0] * kPowerScale - top);
          const float high = power_of_two(pair[1] * kPowerScale - top);
          state.sums[i][lane] += low + high;
          std::uint32_t word = packed_pair(low, high);
          if constexpr (kDrop) word &= pair_mask<false>(kept[j / 4][lane], i, j % 4);
          state.weights[j / 2][lane].at[i + j % 2 * 2] = word;
        }
      }
    });
  }

  template <class L>
  BERTHA_TWIN void raise_tops(State<L>& state, const Sums<L, kColumns>& scores) const {
    typename L::template Each<float> highest[2];
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 2; ++i) {
        float high = state.tops[i][lane];
        BERTHA_UNROLL
        for (int j = 0; j < kColumns / 8; ++j) {
          const float* pair = scores[j][lane].at + i * 2;
          high = fmaxf(high, fmaxf(pair[0], pair[1]));
        }
        highest[i][lane] = high;
      }
    });
    const bool higher = L::any([&](int lane) {
      return highest[0][lane] > state.tops[0][lane] + kSlack / kPowerScale ||
             highest[1][lane] > state.tops[1][lane] + kSlack / kPowerScale;
    });
    if (!higher) return;
    BERTHA_UNROLL
    for (int i = 0; i < 2; ++i) {
      L::template combine<1, 4>(highest[i], [](float a, float b) { return fmaxf(a, b); });
      L::each([&](int lane) {
        float& before = state.tops[i][lane];
        const float factor = power_of_two((before - highest[i][lane]) * kPowerScale);
        before = highest[i][lane];
        state.sums[i][lane] *= factor;
        BERTHA_UNROLL
        for (auto& tile : state.output) {
          tile[lane].at[i * 2] *= factor;
          tile[lane].at[i * 2 + 1] *= factor;
        }
      });
    }
  }

  template <class L>
  BERTHA_TWIN void finish(State<L>& state, const FlashPart& part, int first, SharedRows by) const {
    BERTHA_UNROLL
    for (int i = 0; i < 2; ++i) {
      L::template combine<1, 4>(state.sums[i], [](float a, float b) { return a + b; });
      L::each([&](int lane) {
        const int query = first + lane / 4 + 8 * i;
        if (lane % 4 != 0 || query >= part.queries) return;
        job.log_sum[part.head * job.query_count + part.query_begin + query] =
            state.tops[i][lane] * kPowerScale + log2f(state.sums[i][lane]);
      });
    }
    const std::int64_t hidden = job.heads * kHeadSize;
    store_rows<L>(
        state.output,
        [&](int lane, int i) { return (kDrop ? dropout.scale : 1.0F) / state.sums[i][lane]; }, by,
        rows_of_head(job.output, part.query_begin, hidden, part.head), first, part.queries - first);
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
