// LayerNorm of rows with what comes before and after it: a warp per row forward, a warp per part of
// the rows backward. Lanes keep their columns of a row, and backward their column sums, in
// registers: kSteps is how many octets that is, known at compile time.
#pragma once

#include <string>

#include "trainer/kernels/cuda/copies.h"
#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

inline constexpr std::int64_t kNormParts =
    1584;  // 12 warps, as many as registers allow, on 132 SMs
inline constexpr std::int64_t kWidestRow = 32 * kTile;

template <int kSteps>
struct LaneRow {
  Octet octets[kSteps];
};

// What is known of rows at compile time.
template <int kSteps_, bool kWhole_>
struct RowShape {
  static constexpr int kSteps = kSteps_;
  static constexpr bool kWhole = kWhole_;
};
// Calls call(RowShape) with octets enough for so many columns.
template <class Call>
void with_row_shape(std::int64_t columns, bool whole, Call call) {
  if (columns > kWidestRow) {
    throw Error(ErrorKind::usage, "a hidden size over " + std::to_string(kWidestRow) + " on a GPU");
  }
  const std::int64_t steps = (columns + kTile - 1) / kTile;
  if (!whole) return call(RowShape<kWidestRow / kTile, false>());
  if (steps <= 1) return call(RowShape<1, true>());
  if (steps <= 3) return call(RowShape<3, true>());
  if (steps <= 4) return call(RowShape<4, true>());
  if (steps <= 8) return call(RowShape<8, true>());
  call(RowShape<kWidestRow / kTile, true>());
}

struct Moments {
  float mean, inverse_deviation;
};
template <class Shape, class W>
BERTHA_TWIN Moments moments_of(const W& warp,
                               typename W::template PerLane<LaneRow<Shape::kSteps>>& row, float sum,
                               std::int64_t columns, double epsilon) {
  const auto count = static_cast<float>(columns);
  const float mean = sum / count;
  typename W::template PerLane<float> squares(0.0F);
  warp.template over_few<Shape::kSteps, Shape::kWhole>(columns, [&](Octets at, int n) {
    for (int i = 0; i < kOctet; ++i) {
      const float difference = i < at.count ? row[at.lane].octets[n].at[i] - mean : 0.0F;
      squares[at.lane] += difference * difference;
    }
  });
  const float variance = total_of(warp, squares) / count;
  return {mean, 1.0F / sqrtf(variance + static_cast<float>(epsilon))};
}
BERTHA_TWIN Octet normalised_of(Octet x, const Moments& moments) {
  for (int i = 0; i < kOctet; ++i) x.at[i] = (x.at[i] - moments.mean) * moments.inverse_deviation;
  return x;
}
template <class Shape>
BERTHA_TWIN Octet scaled_and_shifted(Octet x, const float* scale, const float* shift, int count) {
  multiply(x, load<Shape::kWhole>(scale, count));
  add(x, load<Shape::kWhole>(shift, count));
  return x;
}

template <class T, class Shape>
struct ResidualNormWork {
  static constexpr int kBlocksAtOnce = Shape::kSteps <= 3 ? 6 : 3 + (Shape::kSteps == 4) * 2;

  ResidualNormJob<T> job;
  TwinDropout dropout;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t row, const W& warp, float*) const {
    const std::int64_t start = row * job.columns;
    const RowPlace place = dropout.on ? place_of(job.rows, row) : RowPlace{};
    typename W::template PerLane<LaneRow<Shape::kSteps>> z{LaneRow<Shape::kSteps>()};
    typename W::template PerLane<float> sum(0.0F);
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      Octet x = load<Shape::kWhole>(job.values + start + at.column, at.count);
      if (job.bias) add(x, load<Shape::kWhole>(job.bias + at.column, at.count));
      if (dropout.on) {
        multiply(x, multipliers(dropout.numbers, place.sample,
                                static_cast<std::uint32_t>(place.number), at.column));
      }
      if (job.residual) add(x, load<Shape::kWhole>(job.residual + start + at.column, at.count));
      sum[at.lane] += total(x);
      z[at.lane].octets[n] = x;
    });
    const Moments moments =
        moments_of<Shape>(warp, z, total_of(warp, sum), job.columns, job.epsilon);
    job.inverse_deviation[row] = moments.inverse_deviation;
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      const Octet x = normalised_of(z[at.lane].octets[n], moments);
      store<Shape::kWhole>(job.values + start + at.column, x, at.count);
      store<Shape::kWhole>(
          job.output + start + at.column,
          scaled_and_shifted<Shape>(x, job.scale + at.column, job.shift + at.column, at.count),
          at.count);
    });
  }
};
template <class T, class Runner>
void residual_norm_forward(const ResidualNormJob<T>& job, const KernelPlace&,
                           const Runner& runner) {
  const bool whole =
      whole_rows(job.columns, job.values, job.bias, job.residual, job.scale, job.shift, job.output);
  with_row_shape(job.columns, whole, [&](auto shape) {
    runner.run(ResidualNormWork<T, decltype(shape)>{job, twin_dropout(job.dropout)}, job.row_count,
               0);
  });
}

template <class T, class Shape>
struct EmbeddingWork {
  EmbeddingJob<T> job;
  TwinDropout dropout;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t row, const W& warp, float*) const {
    const std::int64_t start = row * job.columns;
    const T* word = job.words + job.tokens[row] * job.columns;
    const T* segment = job.segment_table + job.segments[row] * job.columns;
    const T* position = job.position_table + job.positions[row] * job.columns;
    typename W::template PerLane<LaneRow<Shape::kSteps>> z{LaneRow<Shape::kSteps>()};
    typename W::template PerLane<float> sum(0.0F);
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      Octet x = load<Shape::kWhole>(word + at.column, at.count);
      add(x, load<Shape::kWhole>(segment + at.column, at.count));
      add(x, load<Shape::kWhole>(position + at.column, at.count));
      sum[at.lane] += total(x);
      z[at.lane].octets[n] = x;
    });
    const Moments moments =
        moments_of<Shape>(warp, z, total_of(warp, sum), job.columns, job.epsilon);
    job.inverse_deviation[row] = moments.inverse_deviation;
    const RowPlace place = dropout.on ? place_of(job.rows, row) : RowPlace{};
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      const Octet x = normalised_of(z[at.lane].octets[n], moments);
      store<Shape::kWhole>(job.normalised + start + at.column, x, at.count);
      Octet output =
          scaled_and_shifted<Shape>(x, job.scale + at.column, job.shift + at.column, at.count);
      if (dropout.on) {
        multiply(output, multipliers(dropout.numbers, place.sample,
                                     static_cast<std::uint32_t>(place.number), at.column));
      }
      store<Shape::kWhole>(job.output + start + at.column, output, at.count);
    });
  }
};
template <class T, class Runner>
void embedding_forward(const EmbeddingJob<T>& job, const KernelPlace&, const Runner& runner) {
  const bool whole = whole_rows(job.columns, job.words, job.segment_table, job.position_table,
                                job.scale, job.shift, job.normalised, job.output);
  with_row_shape(job.columns, whole, [&](auto shape) {
    runner.run(EmbeddingWork<T, decltype(shape)>{job, twin_dropout(job.dropout)},
               job.rows.row_count, 0);
  });
}

// The gradient of a norm whose input was dropped out, or whose output was.
template <class T>
struct NormGradientJob {
  PackedRows rows;
  std::int64_t row_count, columns;
  const T *gradient, *more_gradient, *normalised;
  const float *scale, *inverse_deviation;
  T *result, *dropped_result;  // of the norm's input, and of what was dropped out before it
  TwinDropout dropout;
  bool dropout_after;
};

template <class T, class Shape>
struct NormGradientWork {
  NormGradientJob<T> job;
  std::int64_t part_rows;
  float* partials;  // [parts][scale, shift, bias][columns]

  struct LaneSums {
    LaneRow<Shape::kSteps> homes[3];  // scale, shift, bias
  };
  // Registers allow few warps, too few to wait for memory: so a row is asked for while the one
  // before it is worked on, in shared memory, of which each lane reads what it has asked for.
  static constexpr bool kAhead = Shape::kWhole && Shape::kSteps <= 4;
  static constexpr std::int64_t floats(std::int64_t columns) {
    return kAhead ? 2 * 3 * columns * static_cast<std::int64_t>(sizeof(T)) / 4 : 0;
  }
  struct Row {
    const T *gradient, *more_gradient, *normalised;
  };
  BERTHA_TWIN Row row_at(std::int64_t row) const {
    const std::int64_t start = row * job.columns;
    return {job.gradient + start, job.more_gradient ? job.more_gradient + start : nullptr,
            job.normalised + start};
  }
  template <class W>
  BERTHA_TWIN Row fetch(std::int64_t row, const W& warp, T* memory) const {
    const Row from = row_at(row);
    T* const slot = memory + row % 2 * 3 * job.columns;
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int) {
      copy_octet(slot + at.column, from.gradient + at.column);
      if (from.more_gradient)
        copy_octet(slot + job.columns + at.column, from.more_gradient + at.column);
      copy_octet(slot + 2 * job.columns + at.column, from.normalised + at.column);
    });
    return {slot, from.more_gradient ? slot + job.columns : nullptr, slot + 2 * job.columns};
  }

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t part, const W& warp, float* memory) const {
    typename W::template PerLane<LaneSums> sums{LaneSums()};
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      for (auto& home : sums[at.lane].homes) home.octets[n] = filled(0);
    });
    const std::int64_t end = smaller(job.row_count, (part + 1) * part_rows);
    const std::int64_t begin = part * part_rows;
    auto place = job.dropout.on ? place_of(job.rows, begin) : RowPlace{};
    if constexpr (kAhead) {
      auto* const slots = reinterpret_cast<T*>(memory);
      Row next = fetch(begin, warp, slots);
      for (std::int64_t row = begin; row < end; ++row) {
        wait_for_copies();
        const Row now = next;
        if (row + 1 < end) next = fetch(row + 1, warp, slots);
        one_row(row, now, place, warp, sums);
        if (job.dropout.on && row + 1 < end) place = place_after(place, job.rows, row);
      }
    } else {
      for (std::int64_t row = begin; row < end; ++row) {
        one_row(row, row_at(row), place, warp, sums);
        if (job.dropout.on && row + 1 < end) place = place_after(place, job.rows, row);
      }
    }
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      for (int home = 0; home < 3; ++home) {
        store<Shape::kWhole>(partials + (part * 3 + home) * job.columns + at.column,
                             sums[at.lane].homes[home].octets[n], at.count);
      }
    });
  }

  BERTHA_TWIN Octet mask(const RowPlace& place, std::int64_t column) const {
    return multipliers(job.dropout.numbers, place.sample, static_cast<std::uint32_t>(place.number),
                       column);
  }

  template <class W>
  BERTHA_TWIN void one_row(std::int64_t row, const Row& from, const RowPlace& place, const W& warp,
                           typename W::template PerLane<LaneSums>& sums) const {
    const std::int64_t start = row * job.columns;
    constexpr bool kept = Shape::kSteps <= 3;  // else registers do not suffice
    typename W::template PerLane<LaneRow<kept ? Shape::kSteps : 1>> z{
        LaneRow<kept ? Shape::kSteps : 1>()};
    typename W::template PerLane<float> gradient_sum(0.0F), product_sum(0.0F);
    const auto gradient_at = [&](Octets at) {
      Octet gradient = load<Shape::kWhole>(from.gradient + at.column, at.count);
      if (from.more_gradient)
        add(gradient, load<Shape::kWhole>(from.more_gradient + at.column, at.count));
      if (job.dropout_after && job.dropout.on) multiply(gradient, mask(place, at.column));
      return gradient;
    };
    const auto scale_at = [&](Octets at) {
      return load<Shape::kWhole>(job.scale + at.column, at.count);
    };
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      Octet gradient = gradient_at(at);
      const Octet x = load<Shape::kWhole>(from.normalised + at.column, at.count);
      Octet product = gradient;
      multiply(product, x);
      add(sums[at.lane].homes[0].octets[n], product);
      add(sums[at.lane].homes[1].octets[n], gradient);
      multiply(gradient, scale_at(at));
      gradient_sum[at.lane] += total(gradient);
      if constexpr (kept) z[at.lane].octets[n] = gradient;
      multiply(gradient, x);
      product_sum[at.lane] += total(gradient);
    });
    const auto count = static_cast<float>(job.columns);
    const float mean = total_of(warp, gradient_sum) / count;
    const float slope = total_of(warp, product_sum) / count;
    const float inverse_deviation = job.inverse_deviation[row];
    warp.template over_few<Shape::kSteps, Shape::kWhole>(job.columns, [&](Octets at, int n) {
      const Octet x = load<Shape::kWhole>(from.normalised + at.column, at.count);
      Octet result;
      if constexpr (kept) {
        result = z[at.lane].octets[n];
      } else {
        result = gradient_at(at);
        multiply(result, scale_at(at));
      }
      for (int i = 0; i < kOctet; ++i) {
        result.at[i] = (result.at[i] - mean - x.at[i] * slope) * inverse_deviation;
      }
      store<Shape::kWhole>(job.result + start + at.column, result, at.count);
      if (job.dropout_after) return;
      if (job.dropout.on) multiply(result, mask(place, at.column));
      if (job.dropped_result)
        store<Shape::kWhole>(job.dropped_result + start + at.column, result, at.count);
      add(sums[at.lane].homes[2].octets[n], result);
    });
  }
};

template <class T, class Runner>
void norm_gradient(const NormGradientJob<T>& job, float* const (&homes)[3],
                   const KernelPlace& place, const Runner& runner) {
  const RowParts parts = row_parts(job.row_count, kNormParts);
  require_scratch(place, parts.count * 3 * job.columns);
  const bool whole = whole_rows(job.columns, job.gradient, job.more_gradient, job.normalised,
                                job.scale, job.result, job.dropped_result, place.scratch);
  with_row_shape(job.columns, whole, [&](auto shape) {
    using Work = NormGradientWork<T, decltype(shape)>;
    runner.run(Work{job, parts.rows, place.scratch}, parts.count, Work::floats(job.columns));
  });
  add_parts(place.scratch, parts.count, job.columns, homes, runner);
}

template <class T, class Runner>
void residual_norm_backward(const ResidualNormGradientJob<T>& job, const KernelPlace& place,
                            const Runner& runner) {
  norm_gradient(NormGradientJob<T>{job.rows, job.row_count, job.columns, job.output_gradient,
                                   job.more_output_gradient, job.normalised, job.scale,
                                   job.inverse_deviation, job.residual_gradient,
                                   job.values_gradient, twin_dropout(job.dropout), false},
                {job.scale_gradient, job.shift_gradient, job.bias_gradient}, place, runner);
}

}  // namespace bertha::twin
