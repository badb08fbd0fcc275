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
  static constexpr int kSharedRows = 2 * kBlockRows + 4 * kStageRows;
  static constexpr int kSharedFloats = kBlockWarps * kHeadSize;

  template <class L>
  struct State {
    typename L::template Each<Words> queries[2][kDepthSteps], gradients[2][kDepthSteps];
    WideSums<L> result;
    typename L::template Each<Quad> log_sums, products;  // of rows g + 8 i
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
    auto* lines = reinterpret_cast<float*>(stages.from(4 * kStageRows).memory);
    const auto outputs = rows_of_head<const Bf16>(job.output, part.query_begin, hidden, part.head);
    copy_rows(block, queries, rows_of_head(job.query, part.query_begin, job.query_row, part.head),
              part.first, kBlockRows, part.queries);
    copy_rows(block, gradients,
              rows_of_head(job.output_gradient, part.query_begin, hidden, part.head), part.first,
              kBlockRows, part.queries);
    typename B::template PerWarp<State<L>> states;
    const auto step_warp = [&](int stage, SharedRows keys, SharedRows values) {
      block.each_warp([&](int warp) {
        const int first = part.first + warp * kWarpRows;
        if (first >= part.queries) return;
        if (stage == 0) {
          start(states[warp], part, first, queries.from(warp * kWarpRows),
                gradients.from(warp * kWarpRows), outputs, lines + warp * kWarpRows);
        }
        over_steps(stage, part.keys, [&](int row, int key) {
          step(states[warp], part, first, keys.from(row), values.from(row), key);
        });
      });
    };
    over_stages(
        block, passing_keys(job, part), stages, [](int) {}, step_warp);
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.queries - first;
      sum_rows<L>(states[warp].result, kScoreScale, there, lines + warp * kHeadSize);
      if (there <= 0) return;
      store_rows<L>(
          states[warp].result, [](int, int) { return kScoreScale; }, queries.from(warp * kWarpRows),
          rows_of_head(job.query_gradient, part.query_begin, job.query_row, part.head), first,
          there);
    });
    block.sync();
    sum_warps(block, lines, partial);
  }

  template <class L>
  BERTHA_TWIN void start(State<L>& state, const FlashPart& part, int first, SharedRows queries,
                         SharedRows gradients, FarRows<const Bf16> outputs, float* line) const {
    BERTHA_UNROLL
    for (int half = 0; half < 2; ++half) {
      BERTHA_UNROLL
      for (int depth = 0; depth < kDepthSteps; ++depth) {
        load_left<L>(state.queries[half][depth], queries, 16 * half, depth);
        load_left<L>(state.gradients[half][depth], gradients, 16 * half, depth);
      }
    }
    clear(state.result);
    const std::int64_t line_begin = part.head * job.query_count + part.query_begin;
    // Output times its gradient, row by row: eight lanes a row.
    BERTHA_UNROLL
    for (int i = 0; i < kWarpRows * kPieces / kLanes; ++i) {
      typename L::template Each<float> product;
      L::each([&](int lane) {
        const int row = i * kLanes / kPieces + lane / kPieces, piece = lane % kPieces;
        product[lane] = 0;
        if (first + row >= part.queries) return;
        Octet both = load<true>(outputs.piece(first + row, piece), kOctet);
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
      for (int i = 0; i < 4; ++i) {
        const int row = lane / 4 + 8 * i;
        state.products[lane].at[i] = line[row];
        state.log_sums[lane].at[i] =
            first + row < part.queries ? job.log_sum[line_begin + first + row] : INFINITY;
      }
    });
  }

  template <class L>
  BERTHA_TWIN void step(State<L>& state, const FlashPart& part, int first, SharedRows keys,
                        SharedRows values, int first_key) const {
    StepSums<L> scores, slopes;
    clear(scores);
    multiply_rows<L>(
        scores,
        [&](auto& rows, int depth) {
          rows[0] = state.queries[0][depth];
          rows[1] = state.queries[1][depth];
        },
        keys);
    if (first_key + kStepRows > part.keys) hide_columns<L>(scores, part.keys - first_key);
    clear(slopes);
    multiply_rows<L>(
        slopes,
        [&](auto& rows, int depth) {
          rows[0] = state.gradients[0][depth];
          rows[1] = state.gradients[1][depth];
        },
        values);
    StepWords<L> weights;
    L::each([&](int lane) {
      KeptScores kept;
      if constexpr (kDrop) {
        kept = kept_scores(dropout, job.samples[part.sequence], part.head, first / kStepRows,
                           first_key / kStepRows, lane, false);
      }
      BERTHA_UNROLL
      for (int i = 0; i < 4; ++i) {
        const float log_sum = state.log_sums[lane].at[i], product = state.products[lane].at[i];
        BERTHA_UNROLL
        for (int j = 0; j < kStepRows / 8; ++j) {
          float pair[2];
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            const int at = i % 2 * 2 + e;
            float slope = slopes[i / 2][j][lane].at[at];
            if constexpr (kDrop) slope = if_kept(slope, kept, e, i, j) * dropout.scale;
            pair[e] = power_of_two(scores[i / 2][j][lane].at[at] * kPowerScale - log_sum) *
                      (slope - product);
          }
          weights[i / 2][j / 2][lane].at[i % 2 + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
    multiply_by_rows<L>(state.result, weights, keys);
  }
};

}  // namespace bertha::twin
