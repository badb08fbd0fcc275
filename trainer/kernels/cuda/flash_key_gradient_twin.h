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
  static constexpr int kSharedRows = 2 * kBlockRows + kStagesRows;
  static constexpr int kSharedFloats = kStagesRows + 2 * kBlockWarps * kHeadSize;
  static constexpr int kColumns = 32;  // queries of a step

  template <class L>
  struct State {
    Sums<L, kHeadSize> keys, values;
  };
  struct Home {
    SharedRows keys, values;  // a group's
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
    auto* floats = reinterpret_cast<float*>(stages.from(kStagesRows).memory);
    float* lines = floats + kStagesRows;
    const auto home = passing_keys(job, part);
    copy_rows<kBlockRows>(block, keys, home.first, part.first, part.keys);
    copy_rows<kBlockRows>(block, values, home.second, part.first, part.keys);
    // Log sums and products of a stage's queries.
    const auto numbers = [&](int slot) { return floats + slot * 2 * kStageRows; };
    const auto fetch_numbers = [&](int stage, int slot) {
      block.each_thread([&](int thread) {
        if (thread >= 2 * kStageRows) return;
        const int query = stage * kStageRows + thread % kStageRows;
        const bool there = query < part.queries;
        const float* from = thread < kStageRows ? job.log_sum : job.products;
        const std::int64_t line = part.head * job.query_count + part.query_begin;
        copy_number(numbers(slot) + thread, from + line + (there ? query : 0), there);
      });
    };
    typename B::template PerWarp<State<L>> states;
    block.each_warp([&](int warp) {
      clear(states[warp].keys);
      clear(states[warp].values);
    });
    const auto step_warp = [&](auto, const Stage& stage, int slot) {
      block.each_warp([&](int warp) {
        if (part.first + group_row(warp) >= part.keys) return;
        const Home own{keys.from(group_row(warp)), values.from(group_row(warp))};
        over_steps<kColumns>(
            std::false_type(), stage.number, part.queries, [&](auto, int row, int query) {
              step(states[warp], part, warp, own, stage.now.from(row), numbers(slot) + row, query);
            });
      });
    };
    const PassingRows passing{
        rows_of_head(job.query, part.query_begin, job.query_row, part.head),
        rows_of_head(job.output_gradient, part.query_begin, hidden, part.head), part.queries};
    over_stages<false>(block, passing, stages, fetch_numbers, step_warp);
    wait_for_copies();  // where there is no query, nobody has waited for the keys
    block.sync();
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.keys - first;
      const float value_scale = kDrop ? dropout.scale : 1.0F;
      float* line = lines + warp * kHeadSize;
      if (there < kWarpRows) {
        clear_rows<L>(states[warp].keys, there);
        clear_rows<L>(states[warp].values, there);
      }
      sum_rows<L>(states[warp].keys, kScoreScale, line);
      sum_rows<L>(states[warp].values, value_scale, line + kBlockWarps * kHeadSize);
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

  // numbers: log sums of the queries, and behind those of the stage their products.
  template <class L>
  BERTHA_TWIN void step(State<L>& state, const FlashPart& part, int warp, const Home& home,
                        SharedRows queries, const float* numbers, int first_query) const {
    const SharedRows gradients = Stage::second(queries);
    Sums<L, kColumns> scores, slopes;
    begin_products();
    multiply_rows<L, kColumns>(scores, home.keys, warp, queries);
    multiply_rows<L, kColumns>(slopes, home.values, warp, gradients);
    end_products();
    EachKept<L> kept;
    if constexpr (kDrop) {
      draw_kept<true, L>(
          kept, dropout,
          {part.sample, part.head, part.first / kDropoutTile + warp, first_query / kDropoutTile});
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
        const float* log_sums = numbers + 8 * j + lane % 4 * 2;
        BERTHA_UNROLL
        for (int i = 0; i < 2; ++i) {
          float* pair = scores[j][lane].at + i * 2;
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) pair[e] = power_of_two(pair[e] * kPowerScale - log_sums[e]);
          std::uint32_t word = packed_pair(pair[0], pair[1]);
          if constexpr (kDrop) word &= pair_mask<true>(kept[lane], i, j);
          weights[j / 2][lane].at[i + j % 2 * 2] = word;
        }
      }
    });
    begin_products();
    multiply_by_rows<L, kColumns>(state.values, weights, gradients);
    end_products();
    L::each([&](int lane) {
      BERTHA_UNROLL
      for (int j = 0; j < kColumns / 8; ++j) {
        const float* products = numbers + kStageRows + 8 * j + lane % 4 * 2;
        BERTHA_UNROLL
        for (int i = 0; i < 2; ++i) {
          float pair[2];
          BERTHA_UNROLL
          for (int e = 0; e < 2; ++e) {
            float slope = slopes[j][lane].at[i * 2 + e];
            if constexpr (kDrop) {
              slope = if_kept<true>(slope, kept[lane], e, i, j) * dropout.scale;
            }
            pair[e] = scores[j][lane].at[i * 2 + e] * (slope - products[e]);
          }
          changes[j / 2][lane].at[i + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
    begin_products();
    multiply_by_rows<L, kColumns>(state.keys, changes, queries);
    end_products();
    wait_for_products();
    settle(state.values);
    settle(state.keys);
  }
};

}  // namespace bertha::twin
