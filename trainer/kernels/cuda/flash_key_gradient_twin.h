// Attention by tensor cores, backward, with 128 keys at home: gradients of keys and values.
#pragma once

#include "trainer/kernels/cuda/flash_dropout.h"
#include "trainer/kernels/cuda/flash_sums.h"

namespace bertha::twin {

// As FlashQueryGradientWork with rows and columns exchanged: tiles are keys by queries.
template <bool kDrop>
struct FlashKeyGradientWork {
  FlashAttentionJob job;
  ByteDropout dropout;
  float* partials;

  static constexpr int kBlocksAtOnce = 2;
  static constexpr int kSharedRows = 2 * kBlockRows + 4 * kStageRows;
  static constexpr int kSharedFloats = 4 * kStageRows + 2 * kBlockWarps * kHeadSize;

  template <class L>
  struct State {
    WideSums<L> keys, values;
  };
  struct Stage {
    SharedRows queries, gradients;
    const float *log_sums, *products;
  };

  template <class B>
  BERTHA_TWIN void operator()(std::int64_t index, const B& block, Bf16* memory) const {
    using L = typename B::Lanes;
    const FlashPart part = flash_part(job, index, job.longest_keys);
    float* key_partial = flash_partial(job, partials, index, job.longest_keys, 0, 2);
    float* value_partial = flash_partial(job, partials, index, job.longest_keys, 1, 2);
    if (part.first >= part.keys) {
      no_sum(block, key_partial);
      return no_sum(block, value_partial);
    }
    const std::int64_t hidden = job.heads * kHeadSize;
    const SharedRows keys{memory}, values = keys.from(kBlockRows), stages = values.from(kBlockRows);
    auto* floats = reinterpret_cast<float*>(stages.from(4 * kStageRows).memory);
    float* lines = floats + 4 * kStageRows;
    const auto home = passing_keys(job, part);
    copy_rows(block, keys, home.first, part.first, kBlockRows, part.keys);
    copy_rows(block, values, home.second, part.first, kBlockRows, part.keys);
    // Log sums and products of a stage's queries.
    const auto numbers = [&](int stage) { return floats + stage % 2 * 2 * kStageRows; };
    const auto fetch_numbers = [&](int stage) {
      block.each_thread([&](int thread) {
        const int query = stage * kStageRows + thread % kStageRows;
        const bool there = query < part.queries;
        const float* from = thread < kStageRows ? job.log_sum : job.products;
        const std::int64_t line = part.head * job.query_count + part.query_begin;
        copy_number(numbers(stage) + thread, from + line + (there ? query : 0), there);
      });
    };
    typename B::template PerWarp<State<L>> states;
    block.each_warp([&](int warp) {
      clear(states[warp].keys);
      clear(states[warp].values);
    });
    const auto step_warp = [&](int stage, SharedRows queries, SharedRows gradients) {
      block.each_warp([&](int warp) {
        const int first = part.first + warp * kWarpRows;
        if (first >= part.keys) return;
        over_steps(stage, part.queries, [&](int row, int query) {
          const float* line = numbers(stage) + row;
          step(states[warp], part, first, keys.from(warp * kWarpRows),
               values.from(warp * kWarpRows),
               Stage{queries.from(row), gradients.from(row), line, line + kStageRows}, query);
        });
      });
    };
    const PassingRows passing{
        rows_of_head(job.query, part.query_begin, job.query_row, part.head),
        rows_of_head(job.output_gradient, part.query_begin, hidden, part.head), part.queries};
    over_stages(block, passing, stages, fetch_numbers, step_warp);
    wait_for_groups<0>();  // where there is no query, nobody has waited for the keys
    block.sync();
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.keys - first;
      const float value_scale = kDrop ? dropout.scale : 1.0F;
      float* line = lines + warp * kHeadSize;
      sum_rows<L>(states[warp].keys, kScoreScale, there, line);
      sum_rows<L>(states[warp].values, value_scale, there, line + kBlockWarps * kHeadSize);
      if (there <= 0) return;
      const auto far = [&](Bf16* gradient) {
        return rows_of_head(gradient, part.key_begin, job.key_row, part.head);
      };
      store_rows<L>(
          states[warp].keys, [](int, int) { return kScoreScale; }, keys.from(warp * kWarpRows),
          far(job.key_gradient), first, there);
      store_rows<L>(
          states[warp].values, [&](int, int) { return value_scale; }, values.from(warp * kWarpRows),
          far(job.value_gradient), first, there);
    });
    block.sync();
    sum_warps(block, lines, key_partial);
    sum_warps(block, lines + kBlockWarps * kHeadSize, value_partial);
  }

  template <class L>
  BERTHA_TWIN void step(State<L>& state, const FlashPart& part, int first_key, SharedRows keys,
                        SharedRows values, const Stage& from, int first_query) const {
    StepSums<L> scores, slopes;
    const auto at_home = [](SharedRows rows) {
      return [rows](auto& to, int depth) {
        load_left<L>(to[0], rows, 0, depth);
        load_left<L>(to[1], rows, 16, depth);
      };
    };
    clear(scores);
    multiply_rows<L>(scores, at_home(keys), from.queries);
    // The row of zeros behind the last query has a score of zero, and must not have a power.
    if (first_query + kStepRows > part.queries) {
      hide_columns<L>(scores, part.queries - first_query);
    }
    KeptOf<L> kept;
    StepWords<L> weights;
    L::each([&](int lane) {
      if constexpr (kDrop) {
        kept[lane] = kept_scores(dropout, job.samples[part.sequence], part.head,
                                 first_query / kStepRows, first_key / kStepRows, lane, true);
      }
      BERTHA_UNROLL
      for (int j = 0; j < kStepRows / 8; ++j) {
        const float* log_sums = from.log_sums + 8 * j + lane % 4 * 2;
        BERTHA_UNROLL
        for (int i = 0; i < 4; ++i) {
          float* pair = scores[i / 2][j][lane].at + i % 2 * 2;
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            pair[e] = power_of_two(pair[e] * kPowerScale - log_sums[e]);
          }
          std::uint32_t word = packed_pair(pair[0], pair[1]);
          if constexpr (kDrop) word &= pair_mask(kept[lane], j, i);
          weights[i / 2][j / 2][lane].at[i % 2 + j % 2 * 2] = word;
        }
      }
    });
    multiply_by_rows<L>(state.values, weights, from.gradients);
    clear(slopes);
    multiply_rows<L>(slopes, at_home(values), from.gradients);
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int j = 0; j < kStepRows / 8; ++j) {
        const float* products = from.products + 8 * j + lane % 4 * 2;
        BERTHA_UNROLL
        for (int i = 0; i < 4; ++i) {
          float pair[2];
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            float slope = slopes[i / 2][j][lane].at[i % 2 * 2 + e];
            if constexpr (kDrop) slope = if_kept(slope, kept[lane], e, j, i) * dropout.scale;
            pair[e] = scores[i / 2][j][lane].at[i % 2 * 2 + e] * (slope - products[e]);
          }
          weights[i / 2][j / 2][lane].at[i % 2 + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
    multiply_by_rows<L>(state.keys, weights, from.queries);
  }

  template <class L>
  using KeptOf = typename L::template Each<KeptScores>;
};

}  // namespace bertha::twin
