// AdamW (Loshchilov & Hutter 2019), number by number as torch.optim.AdamW.
#pragma once

#include <optional>
#include <vector>

#include "trainer/kernels/kernels.h"
#include "trainer/optim/flat_chunks.h"
#include "trainer/optim/flat_views.h"
#include "trainer/optim/optimizer.h"
#include "trainer/optim/parameter_groups.h"

namespace bertha {

class AdamW final : public Optimizer {
 public:
  AdamW(const OptimizerOptions& options, ParameterSpace& space, FlatRange owned);
  void step(std::int64_t step, double learning_rate, double gradient_scale) override;
  std::vector<Moment> moments() override;
  FlatRange owned() const override { return owned_; }

 private:
  // `range` counts from the owned range's beginning.
  AdamWJob job_of(FlatRange range, const StepNumbers& numbers) const;

  OptimizerOptions options_;
  FlatRange owned_;
  FlatViews views_;                     // of the owned range
  std::vector<DecayRun> runs_;          // relative to the owned range
  std::optional<DeviceChunks> chunks_;  // where there are kernels for CUDA
};

}  // namespace bertha
