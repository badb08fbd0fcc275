// LAMB (You et al. 2020) as NVIDIA's BERT uses it: bias correction, averaged gradients, a trust
// ratio by parameter, bounded or not; biases and LayerNorm parameters neither decay nor adapt.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "trainer/kernels/kernels.h"
#include "trainer/optim/flat_chunks.h"
#include "trainer/optim/flat_views.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/parameter_groups.h"

namespace bertha {

class Lamb final : public Optimizer {
 public:
  Lamb(const OptimizerOptions& options, ParameterSpace& space, FlatRange owned,
       std::function<void(at::Tensor)> sum_over_ranks);
  // Collective when the optimizer is sharded.
  void step(std::int64_t step, double learning_rate, double gradient_scale) override;
  std::vector<Moment> moments() override;
  FlatRange owned() const override { return owned_; }

 private:
  FlatViews views_of(const ParameterPart& part) const;
  OptimizerOptions options_of(const ParameterPart& part) const;
  LambJob job_of(const ParameterPart& part, const StepNumbers& numbers) const;
  std::vector<LambSums> update_moments(const StepNumbers& numbers) const;
  void step_on_device(const StepNumbers& numbers) const;
  void add_over_ranks(std::vector<LambSums>& sums) const;

  OptimizerOptions options_;
  FlatRange owned_;
  std::size_t parameters_;  // of the whole space
  bool sharded_;
  std::function<void(at::Tensor)> sum_over_ranks_;
  FlatViews views_;  // of the owned range
  std::vector<ParameterPart> parts_;
  std::optional<DeviceChunks> chunks_;  // where there are kernels for CUDA
};

}  // namespace bertha
