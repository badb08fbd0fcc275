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
  static constexpr int kColumns = 32;  // queries of a step

  template <class L>
  struct State {
    Sums<L, kHeadSize> keys, values;
  };
  struct Home {
    SharedRows keys, values;  // a group's
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
    copy_rows<kBlockRows>(block, keys, home.first, part.first, part.keys);
    copy_rows<kBlockRows>(block, values, home.second, part.first, part.keys);
    // Log sums and products of a stage's queries.
    const auto numbers = [&](int stage) { return floats + stage % 2 * 2 * kStageRows; };
    const auto fetch_numbers = [&](int stage) {
      block.each_thread([&](int thread) {
        if (thread >= 2 * kStageRows) return;
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
        if (part.first + group_row(warp) >= part.keys) return;
        const Home own{keys.from(group_row(warp)), values.from(group_row(warp))};
        over_steps<kColumns>(stage, part.queries, [&](int row, int query) {
          const float* line = numbers(stage) + row;
          step(states[warp], part, warp, own,
               Stage{queries.from(row), gradients.from(row), line, line + kStageRows}, query);
        });
      });
    };
    const PassingRows passing{
        rows_of_head(job.query, part.query_begin, job.query_row, part.head),
        rows_of_head(job.output_gradient, part.query_begin, hidden, part.head), part.queries};
    over_stages(block, passing, stages, fetch_numbers, step_warp);
    wait_for_copies();  // where there is no query, nobody has waited for the keys
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
  BERTHA_TWIN void step(State<L>& state, const FlashPart& part, int warp, const Home& home,
                        const Stage& from, int first_query) const {
    Sums<L, kColumns> scores, slopes;
    begin_products();
    multiply_rows<L, kColumns>(scores, home.keys, warp, from.queries);
    multiply_rows<L, kColumns>(slopes, home.values, warp, from.gradients);
    EachKept<L> kept;
    if constexpr (kDrop) {
      draw_kept<true, L>(kept, dropout,
                         {part.sample, part.head, part.first / kDropoutTile + warp,
                          first_query / kDropoutTile});
    }
    wait_for_products();
    settle(scores);
    settle(slopes);
    // The row of zeros behind the last query has a score of zero, and must not have a power.
    if (first_query + kColumns > part.queries) {
      hide_columns<L, kColumns>(scores, part.queries - first_query);
    }
    LeftWords<L, kColumns> weights, changes;
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int j = 0; j < kColumns / 8; ++j) {
        const float* log_sums = from.log_sums + 8 * j + lane % 4 * 2;
        const float* products = from.products + 8 * j + lane % 4 * 2;
        BERTHA_UNROLL
        for (int i = 0; i < 2; ++i) {
          float powers[2], pair[2];
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            powers[e] = power_of_two(scores[j][lane].at[i * 2 + e] * kPowerScale - log_sums[e]);
            float slope = slopes[j][lane].at[i * 2 + e];
            if constexpr (kDrop) {
              slope = if_kept<true>(slope, kept[lane], e, i, j) * dropout.scale;
            }
            pair[e] = powers[e] * (slope - products[e]);
          }
          std::uint32_t word = packed_pair(powers[0], powers[1]);
          if constexpr (kDrop) word &= pair_mask<true>(kept[lane], i, j);
          weights[j / 2][lane].at[i + j % 2 * 2] = word;
          changes[j / 2][lane].at[i + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
    begin_products();
    multiply_by_rows<L, kColumns>(state.values, weights, from.gradients);
    multiply_by_rows<L, kColumns>(state.keys, changes, from.queries);
    wait_for_products();
    settle(state.values);
    settle(state.keys);
  }
};

}  // namespace bertha::twin
