// The four flat tensors an optimizer works on, and the same updates in ATen operations for devices
// that the kernels do not know.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/optim/optimizer.h"

namespace bertha {

// Views of equal length, [elements] float32.
struct FlatViews {
  at::Tensor weights, gradient, first_moment, second_moment;
  FlatViews slice(std::int64_t begin, std::int64_t end) const;
};

// Views of master weights and gradient, and fresh moments of zeros.
FlatViews owned_views(const ParameterSpace& space, FlatRange owned);

struct StepNumbers {
  std::int64_t step = 1;
  double learning_rate = 0, gradient_scale = 1;
};

// options.weight_decay is the decay of these elements.
void adamw_by_aten(const FlatViews& views, const OptimizerOptions& options,
                   const StepNumbers& numbers);

// Updates the moments; [2] float32: sums of squares of weights and update.
at::Tensor lamb_moments_by_aten(const FlatViews& views, const OptimizerOptions& options,
                                const StepNumbers& numbers);
void lamb_weights_by_aten(const FlatViews& views, const OptimizerOptions& options,
                          std::int64_t step, double rate);

}  // namespace bertha
