// Kernels that look at one element at a time: activations, biases, copies.
#pragma once

#include "trainer/kernels/cuda/sums_twin.h"

namespace bertha::twin {

struct Activated {
  float value, slope;
};

// Formulas and constants are those of cpu/vector/activation.inc.
BERTHA_TWIN Activated gelu(float x) {
  const float bell = expf(-0.5F * x * x);
  const float t = 1.0F / (1.0F + 0.3275911F * fabsf(x) * 0.70710678118654752F);
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
BERTHA_TWIN Activated activated(Activation activation, float x) {
  if (activation == Activation::gelu) return gelu(x);
  if (activation == Activation::gelu_tanh) return gelu_tanh(x);
  return relu(x);
}

// One octet per lane of a matrix whose rows lie end to end: index counts stretches of 256 numbers
// inside a row.
template <class Step>
struct ElementWork {
  Step step;
  std::int64_t columns;

  template <class W>
  BERTHA_TWIN void operator()(std::int64_t index, const W& warp, float*) const {
    const std::int64_t tiles = (columns + kTile - 1) / kTile;
    warp.each_lane([&](int lane) {
      const std::int64_t column = index % tiles * kTile + lane * kOctet;
      if (column >= columns) return;
      step(index / tiles, column, static_cast<int>(smaller(kOctet, columns - column)));
    });
  }
};
template <class Step, class Runner>
void for_elements(const Step& step, std::int64_t rows, std::int64_t columns, const Runner& runner) {
  runner.run(ElementWork<Step>{step, columns}, rows * ((columns + kTile - 1) / kTile), 0);
}

template <class T>
struct ActivationStep {
  ActivationJob<T> job;
  BERTHA_TWIN void operator()(std::int64_t row, std::int64_t column, int count) const {
    const std::int64_t at = row * job.columns + column;
    Octet x = load(job.values + at, count);
    add(x, load(job.bias + column, count));
    for (int i = 0; i < kOctet; ++i) x.at[i] = activated(job.activation, x.at[i]).value;
    store(job.output + at, x, count);
  }
};
template <class T, class Runner>
void activation_forward(const ActivationJob<T>& job, const KernelPlace&, const Runner& runner) {
  for_elements(ActivationStep<T>{job}, job.row_count, job.columns, runner);
}

template <class T>
struct ActivationGradientStep {
  ActivationGradientJob<T> job;
  BERTHA_TWIN Octet operator()(std::int64_t row, std::int64_t column, int count) const {
    const std::int64_t at = row * job.columns + column;
    Octet x = load(job.values + at, count), gradient = load(job.gradient + at, count);
    add(x, load(job.bias + column, count));
    for (int i = 0; i < kOctet; ++i) {
      const Activated result = activated(job.activation, x.at[i]);
      x.at[i] = result.value;
      gradient.at[i] *= result.slope;
    }
    store(job.values + at, x, count);
    store(job.gradient + at, gradient, count);
    return gradient;
  }
};
template <class T, class Runner>
void activation_backward(const ActivationGradientJob<T>& job, const KernelPlace& place,
                         const Runner& runner) {
  sum_columns(ActivationGradientStep<T>{job}, job.row_count, job.columns, job.bias_gradient, place,
              runner);
}

template <class T>
struct CopyStep {
  ColumnSumJob<T> job;
  BERTHA_TWIN Octet operator()(std::int64_t row, std::int64_t column, int count) const {
    const Octet x = load(job.values + row * job.columns + column, count);
    if (job.copy) store(job.copy + row * job.copy_row + column, x, count);
    return x;
  }
};
template <class T, class Runner>
void copy_and_sum_columns(const ColumnSumJob<T>& job, const KernelPlace& place,
                          const Runner& runner) {
  sum_columns(CopyStep<T>{job}, job.row_count, job.columns, job.sums, place, runner);
}

}  // namespace bertha::twin
