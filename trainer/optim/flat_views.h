// The four flat tensors an optimizer works on, and the same updates in ATen operations for devices
// that the kernels do not know.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/optim/optimizer.h"

namespace bertha {

// Views of equal length, [elements]; float32, moments also bfloat16.
struct FlatViews {
  at::Tensor weights, gradient, first_moment, second_moment;
  FlatViews slice(std::int64_t begin, std::int64_t end) const;
};

// Views of master weights and gradient, and fresh moments of zeros.
FlatViews owned_views(const ParameterSpace& space, FlatRange owned,
                      MomentPrecision moments = MomentPrecision::fp32);

// Points a kernel's job to the moments in their type. `first_element`: number of the views' first
// element in the flat space.
template <class Job>
void set_moments(Job& job, const FlatViews& views, std::uint64_t seed, std::int64_t first_element) {
  auto* first = views.first_moment.data_ptr();
  auto* second = views.second_moment.data_ptr();
  if (views.first_moment.scalar_type() == at::kBFloat16) {
    job.rounded = {static_cast<Bf16*>(first), static_cast<Bf16*>(second), seed, first_element};
  } else {
    job.first_moment = static_cast<float*>(first);
    job.second_moment = static_cast<float*>(second);
  }
}

struct StepNumbers {
  std::int64_t step = 1;
  double learning_rate = 0, gradient_scale = 1;
};

// options.weight_decay is the decay of these elements. fp32 moments only.
void adamw_by_aten(const FlatViews& views, const OptimizerOptions& options,
                   const StepNumbers& numbers);

// Updates the moments; [2] float32: sums of squares of weights and update.
at::Tensor lamb_moments_by_aten(const FlatViews& views, const OptimizerOptions& options,
                                const StepNumbers& numbers);
void lamb_weights_by_aten(const FlatViews& views, const OptimizerOptions& options,
                          std::int64_t step, double rate);

}  // namespace bertha
