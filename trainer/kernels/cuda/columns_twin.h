// Kernels that look at one element at a time: activations, biases, copies.
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

struct Activated {
  float value, slope;
};

// Formulas and constants are those of cpu/vector/activation.inc.
template <class T>
BERTHA_TWIN Activated gelu(float x) {
  const float bell = exponential<T>(-0.5F * x * x);
  const float t = reciprocal<T>(1.0F + 0.3275911F * fabsf(x) * 0.70710678118654752F);
  float series = 1.061405429F * t - 1.453152027F;
  series = series * t + 1.421413741F;
  series = series * t - 0.284496736F;
  series = series * t + 0.254829592F;
  const float tail = 0.5F * series * t * bell;
  const float below = x < 0.0F ? tail : 1.0F - tail;
  return {x * below, below + x * bell * 0.39894228040143268F};
}
BERTHA_TWIN Activated gelu_tanh(float x) {
  const float root = 0.79788456080286536F, cubic = 0.044715F;
  const float square = x * x;
  const float curve = tanhf(root * x * (1.0F + cubic * square));
  const float below = 0.5F + 0.5F * curve;
  const float inner_slope = root * (1.0F + 3.0F * cubic * square);
  return {x * below, below + 0.5F * x * (1.0F - curve * curve) * inner_slope};
}
BERTHA_TWIN Activated relu(float x) {
  return {x < 0.0F ? 0.0F : x, x > 0.0F ? 1.0F : 0.0F};
}
template <class T, Activation kActivation>
BERTHA_TWIN Activated activated(float x) {
  if constexpr (kActivation == Activation::gelu) return gelu<T>(x);
  if constexpr (kActivation == Activation::gelu_tanh) return gelu_tanh(x);
  return relu(x);
}
// Calls call(Step) with the step for an activation.
template <template <class, Activation> class Step, class T, class Job, class Call>
void with_activation(const Job& job, Call call) {
  if (job.activation == Activation::gelu) return call(Step<T, Activation::gelu>{job});
  if (job.activation == Activation::gelu_tanh) return call(Step<T, Activation::gelu_tanh>{job});
  call(Step<T, Activation::relu>{job});
}

// Rows of a matrix, a few for each warp and 256 columns of them. A Step as for ColumnSumWork.
template <class Step, bool kAligned>
struct ElementWork {
  Step step;
  std::int64_t rows, columns;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t tiles = (columns + kTile - 1) / kTile, first = index / tiles * Step::kAhead;
    warp.each_lane([&](int lane) {
      const std::int64_t column = index % tiles * kTile + lane * kOctet;
      if (column >= columns) return;
      const int count = octet_count < kAligned && !Step::kTail > (columns - column);
      typename Step::Row ahead[Step::kAhead] = {};
      BERTHA_UNROLL
      for (int i = 0; i < Step::kAhead; ++i) {
        if (first + i < rows) ahead[i] = step.template fetch<kAligned>(first + i, column, count);
      }
      const auto same = step.template column<kAligned>(column, count);
      BERTHA_UNROLL
      for (int i = 0; i < Step::kAhead; ++i) {
        if (first + i >= rows) continue;
        step.template finish<kAligned>(same, ahead[i], first + i, column, count);
      }
    });
  }
};
template <class Step, class Runner>
void for_elements(const Step& step, std::int64_t rows, std::int64_t columns, const Runner& runner) {
  const std::int64_t groups = (rows + Step::kAhead - 1) / Step::kAhead;
  const std::int64_t count = groups * ((columns + kTile - 1) / kTile);
  if (step.aligned(columns))
    return runner.run(ElementWork<Step, true>{step, rows, columns}, count, 0);
  runner.run(ElementWork<Step, false>{step, rows, columns}, count, 0);
}

template <class T, Activation kActivation>
struct ActivationStep {
  ActivationJob<T> job;

  using Column = Octet;  // the bias
  using Row = Packed<T>;
  static constexpr int kAhead = 4;
  static constexpr bool kTail = false;
  bool aligned(std::int64_t columns) const {
    return whole_rows(columns, job.values, job.bias, job.output);
  }
  template <bool kAligned>
  BERTHA_TWIN Column column(std::int64_t column, int count) const {
    return load<kAligned>(job.bias + column, count);
  }
  template <bool kAligned>
  BERTHA_TWIN Row fetch(std::int64_t row, std::int64_t column, int count) const {
    return load_packed<kAligned>(job.values + row * job.columns + column, count);
  }
  template <bool kAligned>
  BERTHA_TWIN void finish(const Column& bias, const Row& values, std::int64_t row,
                          std::int64_t column, int count) const {
    Octet x = unpacked(values);
    add(x, bias);
    for (int i = 0; i < kOctet; ++i) x.at[i] = activated<T, kActivation>(x.at[i]).value;
    store<kAligned>(job.output + row * job.columns + column, x, count);
  }
};
template <class T, class Runner>
void activation_forward(const ActivationJob<T>& job, const KernelPlace&, const Runner& runner) {
  with_activation<ActivationStep, T>(
      job, [&](const auto& step) { for_elements(step, job.row_count, job.columns, runner); });
}

template <class T, Activation kActivation>
struct ActivationGradientStep {
  ActivationGradientJob<T> job;

  using Column = Octet;  // the bias
  struct Row {
    Packed<T> values, gradient;
  };
  static constexpr int kAhead = 2;
  static constexpr bool kTail = false;
  bool aligned(std::int64_t columns) const {
    return whole_rows(columns, job.values, job.gradient, job.bias);
  }
  template <bool kAligned>
  BERTHA_TWIN Column column(std::int64_t column, int count) const {
    return load<kAligned>(job.bias + column, count);
  }
  template <bool kAligned>
  BERTHA_TWIN Row fetch(std::int64_t row, std::int64_t column, int count) const {
    const std::int64_t at = row * job.columns + column;
    return {load_packed<kAligned>(job.values + at, count),
            load_packed<kAligned>(job.gradient + at, count)};
  }
  template <bool kAligned>
  BERTHA_TWIN Octet finish(const Column& bias, const Row& given, std::int64_t row,
                           std::int64_t column, int count) const {
    const std::int64_t at = row * job.columns + column;
    Octet x = unpacked(given.values), gradient = unpacked(given.gradient);
    add(x, bias);
    for (int i = 0; i < kOctet; ++i) {
      const Activated result = activated<T, kActivation>(x.at[i]);
      x.at[i] = result.value;
      gradient.at[i] *= result.slope;
    }
    if (job.activate_again) store<kAligned>(job.values + at, x, count);
    store<kAligned>(job.gradient + at, gradient, count);
    return gradient;
  }
};
template <class T, class Runner>
void activation_backward(const ActivationGradientJob<T>& job, const KernelPlace& place,
                         const Runner& runner) {
  with_activation<ActivationGradientStep, T>(job, [&](const auto& step) {
    sum_columns(step, job.row_count, job.columns, job.bias_gradient, place, runner);
  });
}

template <class T>
struct CopyStep {
  ColumnSumJob<T> job;

  struct Column {};
  using Row = Packed<T>;
  static constexpr int kAhead = 8;
  static constexpr bool kTail = false;
  bool aligned(std::int64_t columns) const {
    return whole_rows(columns, job.values, job.copy) && job.copy_row % kOctet == 0;
  }
  template <bool kAligned>
  BERTHA_TWIN Column column(std::int64_t, int) const {
    return {};
  }
  template <bool kAligned>
  BERTHA_TWIN Row fetch(std::int64_t row, std::int64_t column, int count) const {
    return load_packed<kAligned>(job.values + row * job.columns + column, count);
  }
  template <bool kAligned>
  BERTHA_TWIN Octet finish(const Column&, const Row& values, std::int64_t row, std::int64_t column,
                           int count) const {
    const Octet x = unpacked(values);
    if (job.copy) store<kAligned>(job.copy + row * job.copy_row + column, x, count);
    return x;
  }
};
template <class T, class Runner>
void copy_and_sum_columns(const ColumnSumJob<T>& job, const KernelPlace& place,
                          const Runner& runner) {
  sum_columns(CopyStep<T>{job}, job.row_count, job.columns, job.sums, place, runner);
}

}  // namespace bertha::twin
