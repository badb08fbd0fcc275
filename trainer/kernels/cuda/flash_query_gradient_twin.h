// Attention by tensor cores, backward, with 128 queries at home: their gradient, and the product of
// output and its gradient that the keys' pass wants.
#pragma once

#include "trainer/kernels/cuda/flash_dropout.h"
#include "trainer/kernels/cuda/flash_sums.h"

namespace bertha::twin {

template <bool kDrop>
struct FlashQueryGradientWork {
  FlashAttentionJob job;
  ByteDropout dropout;
  float* partials;

  static constexpr int kBlocksAtOnce = 2;
  static constexpr int kSharedRows = 2 * kBlockRows + kStagesRows;
  static constexpr int kSharedFloats = kBlockWarps * kHeadSize;
  static constexpr int kColumns = 32;  // keys of a step

  template <class L>
  struct State {
    Sums<L, kHeadSize> result;
    LeftWords<L, kColumns> changes;                             // of the last step
    typename L::template Each<float> log_sums[2], products[2];  // of rows g + 8 i
    typename L::template Each<Packed<Bf16>> outputs[kWarpRows * kPieces / kLanes];  // at first only
  };
  struct Home {
    SharedRows queries, gradients;  // a group's
  };

  template <class B>
  BERTHA_TWIN void operator()(std::int64_t index, const B& block, Bf16* memory) const {
    using L = typename B::Lanes;
    const FlashPart part = flash_part(job, index, job.longest_queries);
    float* partial = flash_partial(job, partials, index, job.longest_queries, 0, 1);
    if (part.first >= part.queries) return no_sum(block, partial);
    const std::int64_t hidden = job.heads * kHeadSize;
    const SharedRows queries{memory}, gradients = queries.from(kBlockRows),
                                      stages = gradients.from(kBlockRows);
    auto* lines = reinterpret_cast<float*>(stages.from(kStagesRows).memory);
    copy_rows<kBlockRows>(block, queries,
                          rows_of_head(job.query, part.query_begin, job.query_row, part.head),
                          part.first, part.queries);
    copy_rows<kBlockRows>(block, gradients,
                          rows_of_head(job.output_gradient, part.query_begin, hidden, part.head),
                          part.first, part.queries);
    typename B::template PerWarp<State<L>> states;
    block.each_warp([&](int warp) {
      clear(states[warp].result);
      load_outputs(states[warp], part, part.first + warp * kWarpRows);
    });
    SharedRows keys{};  // of the last step
    const auto step_warp = [&](auto first, const Stage& stage, int) {
      block.each_warp([&](int warp) {
        if (part.first + group_row(warp) >= part.queries) return;
        if (first) {
          start(states[warp], part, part.first + warp * kWarpRows, gradients.from(warp * kWarpRows),
                lines + warp * kWarpRows);
        }
        const Home home{queries.from(group_row(warp)), gradients.from(group_row(warp))};
        over_steps<kColumns>(first, stage.number, part.keys, [&](auto start, int row, int key) {
          const SharedRows before =
              row == 0 ? stage.before.from(kStageRows - kColumns) : stage.now.from(row - kColumns);
          step(start, states[warp], part, warp, home, stage.now.from(row), before, key);
        });
      });
      const int left = part.keys - stage.number * kStageRows;
      keys = stage.now.from(left > kColumns ? kColumns : 0);
    };
    over_stages<true>(
        block, passing_keys(job, part), stages, [](int, int) {}, step_warp);
    block.each_warp([&](int warp) {
      if (part.first + group_row(warp) >= part.queries) return;
      begin_products();
      multiply_by_rows<L, kColumns>(states[warp].result, states[warp].changes, keys);
      end_products();
      wait_for_products();
      settle(states[warp].result);
    });
    block.sync();
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.queries - first;
      sum_rows<L>(states[warp].result, kScoreScale, lines + warp * kHeadSize);
      if (there <= 0) return;
      store_rows<L>(
          states[warp].result, [](int, int) { return kScoreScale; }, queries.from(warp * kWarpRows),
          rows_of_head(job.query_gradient, part.query_begin, job.query_row, part.head), first,
          there);
    });
    block.sync();
    sum_warps(block, lines, partial);
  }

  // Output times its gradient, row by row, eight lanes a row: the output is asked for early.
  template <class L>
  BERTHA_TWIN void load_outputs(State<L>& state, const FlashPart& part, int first) const {
    const auto outputs =
        rows_of_head<const Bf16>(job.output, part.query_begin, job.heads * kHeadSize, part.head);
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < kWarpRows * kPieces / kLanes; ++i) {
        const int row = first + i * kLanes / kPieces + lane / kPieces;
        state.outputs[i][lane] = load_packed<true>(
            outputs.piece(row < part.queries ? row : part.queries - 1, lane % kPieces), kOctet);
      }
    });
  }

  template <class L>
  BERTHA_TWIN void start(State<L>& state, const FlashPart& part, int first, SharedRows gradients,
                         float* line) const {
    const std::int64_t line_begin = part.head * job.query_count + part.query_begin;
    BERTHA_UNROLL
    for (int i = 0; i < kWarpRows * kPieces / kLanes; ++i) {
      typename L::template Each<float> product;
      L::each([&](int lane) {
        const int row = i * kLanes / kPieces + lane / kPieces, piece = lane % kPieces;
        Octet both = unpacked(state.outputs[i][lane]);
        multiply(both, load<true>(static_cast<const Bf16*>(gradients.piece(row, piece)), kOctet));
        product[lane] = total(both);
      });
      L::template combine<1, kPieces>(product, [](float a, float b) { return a + b; });
      L::each([&](int lane) {
        const int row = i * kLanes / kPieces + lane / kPieces;
        if (lane % kPieces != 0) return;
        line[row] = product[lane];
        if (first + row < part.queries) job.products[line_begin + first + row] = product[lane];
      });
    }
    L::wait();
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int row = lane / 4 + 8 * i;
        state.products[i][lane] = line[row];
        state.log_sums[i][lane] =
            first + row < part.queries ? job.log_sum[line_begin + first + row] : INFINITY;
      }
    });
  }

  // The keys of the step before are multiplied beside the scores of this one.
  template <class First, class L>
  BERTHA_TWIN void step(First, State<L>& state, const FlashPart& part, int warp, const Home& home,
                        SharedRows keys, SharedRows keys_before, int first_key) const {
    Sums<L, kColumns> scores, slopes;
    begin_products();
    if constexpr (!First::value) {
      multiply_by_rows<L, kColumns>(state.result, state.changes, keys_before);
    }
    multiply_rows<L, kColumns>(scores, home.queries, warp, keys);
    multiply_rows<L, kColumns>(slopes, home.gradients, warp, Stage::second(keys));
    end_products();
    EachKept<L> kept;
    if constexpr (kDrop) {
      draw_kept<false, L>(
          kept, dropout,
          {part.sample, part.head, part.first / kDropoutTile + warp, first_key / kDropoutTile});
    }
    wait_for_products();
    settle(scores);
    settle(slopes);
    settle(state.result);
    if (first_key + kColumns > part.keys) {
      hide_columns<L, kColumns>(scores, part.keys - first_key);
    }
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int i = 0; i < 2; ++i) {
        const float log_sum = state.log_sums[i][lane], product = state.products[i][lane];
        BERTHA_UNROLL
        for (int j = 0; j < kColumns / 8; ++j) {
          float pair[2];
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            const int at = i * 2 + e;
            float slope = slopes[j][lane].at[at];
            if constexpr (kDrop) {
              slope = if_kept<false>(slope, kept[lane], e, i, j) * dropout.scale;
            }
            pair[e] =
                power_of_two(scores[j][lane].at[at] * kPowerScale - log_sum) * (slope - product);
          }
          state.changes[j / 2][lane].at[i + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
  }
};

}  // namespace bertha::twin
