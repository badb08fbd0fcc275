// Attention by tensor cores, backward (FlashAttention, algorithm 4), without sums that several
// blocks add to: one pass with queries at home gives their gradient, a second with keys at home
// gives those of keys and values. Each computes the probabilities again; the results have the same
// bits every time. Column sums, for the gradients of the biases, fall off on the way.
#pragma once

#include "trainer/kernels/cuda/flash_tiles.h"

namespace bertha::twin {

// Partial sums of a block's columns: [parts of all sequences][heads * 64], for each of `homes`.
inline std::int64_t flash_parts(const FlashAttentionJob& job, std::int64_t longest) {
  return job.sequences * ((longest + kBlockRows - 1) / kBlockRows);
}
BERTHA_TWIN float* flash_partial(const FlashAttentionJob& job, float* partials, std::int64_t index,
                                 std::int64_t longest, int home, int homes) {
  const std::int64_t parts = (longest + kBlockRows - 1) / kBlockRows;
  const std::int64_t row = index / parts / job.heads * parts + index % parts;
  return partials + ((row * homes + home) * job.heads + index / parts % job.heads) * kHeadSize;
}
// Adds up what the warps left in `lines`, [warps][64].
template <class B>
BERTHA_TWIN void sum_warps(const B& block, const float* lines, float* to) {
  block.each_thread([&](int thread) {
    if (thread >= kHeadSize) return;
    float sum = 0;
    for (int warp = 0; warp < kBlockWarps; ++warp) sum += lines[warp * kHeadSize + thread];
    to[thread] = sum;
  });
}
template <class B>
BERTHA_TWIN void no_sum(const B& block, float* to) {
  block.each_thread([&](int thread) {
    if (thread < kHeadSize) to[thread] = 0;
  });
}

BERTHA_TWIN constexpr float flash_power_scale() {
  return kLog2E / 8;
}
inline constexpr float kFlashScoreScale = 0.125F;  // 1 / sqrt(64)

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
    const std::int64_t column = part.head * kHeadSize, hidden = job.heads * kHeadSize;
    const SharedRows queries{memory}, gradients = queries.from(kBlockRows),
                                      stages = gradients.from(kBlockRows);
    auto* lines = reinterpret_cast<float*>(stages.from(4 * kStageRows).memory);
    const FarRows<const Bf16> keys{job.key + part.key_begin * job.key_row + column, job.key_row},
        values{job.value + part.key_begin * job.key_row + column, job.key_row},
        outputs{job.output + part.query_begin * hidden + column, hidden};
    const auto fetch = [&](int stage) {
      const SharedRows to = stages.from(stage % 2 * 2 * kStageRows);
      copy_rows(block, to, keys, stage * kStageRows, kStageRows, part.keys);
      copy_rows(block, to.from(kStageRows), values, stage * kStageRows, kStageRows, part.keys);
    };
    copy_rows(block, queries,
              {job.query + part.query_begin * job.query_row + column, job.query_row}, part.first,
              kBlockRows, part.queries);
    copy_rows(block, gradients, {job.output_gradient + part.query_begin * hidden + column, hidden},
              part.first, kBlockRows, part.queries);
    fetch(0);
    end_group();
    typename B::template PerWarp<State<L>> states;
    for (int stage = 0; stage * kStageRows < part.keys; ++stage) {
      if ((stage + 1) * kStageRows < part.keys) fetch(stage + 1);
      end_group();
      wait_for_groups<1>();
      block.sync();
      block.each_warp([&](int warp) {
        const int first = part.first + warp * kWarpRows;
        if (first >= part.queries) return;
        if (stage == 0) {
          start(states[warp], part, first, queries.from(warp * kWarpRows),
                gradients.from(warp * kWarpRows), outputs, lines + warp * kWarpRows);
        }
        const SharedRows from = stages.from(stage % 2 * 2 * kStageRows);
        for (int row = 0; row < kStageRows; row += kStepRows) {
          const int key = stage * kStageRows + row;
          if (key < part.keys) {
            step(states[warp], part, first, from.from(row), from.from(kStageRows + row), key);
          }
        }
      });
      block.sync();
    }
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.queries - first;
      sum_rows<L>(states[warp].result, kFlashScoreScale, there, lines + warp * kHeadSize);
      if (there <= 0) return;
      store_rows<L>(
          states[warp].result, [](int, int) { return kFlashScoreScale; },
          queries.from(warp * kWarpRows),
          {job.query_gradient + part.query_begin * job.query_row + column, job.query_row}, first,
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
            pair[e] = power_of_two(scores[i / 2][j][lane].at[at] * flash_power_scale() - log_sum) *
                      (slope - product);
          }
          weights[i / 2][j / 2][lane].at[i % 2 + j % 2 * 2] = packed_pair(pair[0], pair[1]);
        }
      }
    });
    multiply_by_rows<L>(state.result, weights, keys);
  }
};

// The same with rows and columns exchanged: tiles are keys by queries.
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
    const std::int64_t column = part.head * kHeadSize, hidden = job.heads * kHeadSize;
    const SharedRows keys{memory}, values = keys.from(kBlockRows), stages = values.from(kBlockRows);
    auto* floats = reinterpret_cast<float*>(stages.from(4 * kStageRows).memory);
    float* lines = floats + 4 * kStageRows;
    const std::int64_t line_begin = part.head * job.query_count + part.query_begin;
    const FarRows<const Bf16> queries{job.query + part.query_begin * job.query_row + column,
                                      job.query_row},
        gradients{job.output_gradient + part.query_begin * hidden + column, hidden};
    const auto stage_at = [&](int stage) {
      const SharedRows to = stages.from(stage % 2 * 2 * kStageRows);
      float* numbers = floats + stage % 2 * 2 * kStageRows;
      return Stage{to, to.from(kStageRows), numbers, numbers + kStageRows};
    };
    const auto fetch = [&](int stage) {
      const Stage to = stage_at(stage);
      const int first = stage * kStageRows;
      copy_rows(block, to.queries, queries, first, kStageRows, part.queries);
      copy_rows(block, to.gradients, gradients, first, kStageRows, part.queries);
      block.each_thread([&](int thread) {
        const int row = thread % kStageRows;
        const bool there = first + row < part.queries;
        const std::int64_t from = line_begin + (there ? first + row : 0);
        const float* source = thread < kStageRows ? job.log_sum : job.products;
        float* home = floats + stage % 2 * 2 * kStageRows;
        copy_number(home + thread, source + from, there);
      });
    };
    copy_rows(block, keys, {job.key + part.key_begin * job.key_row + column, job.key_row},
              part.first, kBlockRows, part.keys);
    copy_rows(block, values, {job.value + part.key_begin * job.key_row + column, job.key_row},
              part.first, kBlockRows, part.keys);
    fetch(0);
    end_group();
    typename B::template PerWarp<State<L>> states;
    block.each_warp([&](int warp) {
      clear(states[warp].keys);
      clear(states[warp].values);
    });
    for (int stage = 0; stage * kStageRows < part.queries; ++stage) {
      if ((stage + 1) * kStageRows < part.queries) fetch(stage + 1);
      end_group();
      wait_for_groups<1>();
      block.sync();
      block.each_warp([&](int warp) {
        const int first = part.first + warp * kWarpRows;
        if (first >= part.keys) return;
        const Stage from = stage_at(stage);
        for (int row = 0; row < kStageRows; row += kStepRows) {
          const int query = stage * kStageRows + row;
          if (query >= part.queries) break;
          step(states[warp], part, first, keys.from(warp * kWarpRows),
               values.from(warp * kWarpRows),
               Stage{from.queries.from(row), from.gradients.from(row), from.log_sums + row,
                     from.products + row},
               query);
        }
      });
      block.sync();
    }
    wait_for_groups<0>();  // where there is no query, nobody has waited for the keys
    block.sync();
    block.each_warp([&](int warp) {
      const int first = part.first + warp * kWarpRows, there = part.keys - first;
      const float value_scale = kDrop ? dropout.scale : 1.0F;
      float* line = lines + warp * kHeadSize;
      sum_rows<L>(states[warp].keys, kFlashScoreScale, there, line);
      sum_rows<L>(states[warp].values, value_scale, there, line + kBlockWarps * kHeadSize);
      if (there <= 0) return;
      const auto far = [&](Bf16* gradient) {
        return FarRows<Bf16>{gradient + part.key_begin * job.key_row + column, job.key_row};
      };
      store_rows<L>(
          states[warp].keys, [](int, int) { return kFlashScoreScale; }, keys.from(warp * kWarpRows),
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
            pair[e] = power_of_two(pair[e] * flash_power_scale() - log_sums[e]);
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

template <class Runner>
void flash_attention_backward(const FlashAttentionJob& job, const KernelPlace& place,
                              const Runner& runner) {
  require_scratch(place, flash_scratch_floats(job));
  const std::int64_t query_parts = flash_parts(job, job.longest_queries),
                     key_parts = flash_parts(job, job.longest_keys), hidden = job.heads * kHeadSize;
  const auto dropout = byte_dropout(job.dropout);
  const auto run = [&](auto work, std::int64_t parts) {
    runner.run_blocks(work, parts * job.heads);
  };
  if (dropout.scale > 1) {
    run(FlashQueryGradientWork<true>{job, dropout, place.scratch}, query_parts);
  } else {
    run(FlashQueryGradientWork<false>{job, dropout, place.scratch}, query_parts);
  }
  add_parts(place.scratch, query_parts, hidden, {job.query_sum}, runner);
  if (dropout.scale > 1) {
    run(FlashKeyGradientWork<true>{job, dropout, place.scratch}, key_parts);
  } else {
    run(FlashKeyGradientWork<false>{job, dropout, place.scratch}, key_parts);
  }
  add_parts(place.scratch, key_parts, hidden, {job.key_sum, job.value_sum}, runner);
}

}  // namespace bertha::twin
