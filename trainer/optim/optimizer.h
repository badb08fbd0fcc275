// What every optimizer does: updates master weights from the flat gradient, on the range of the
// flat space that this rank owns; AdamW in one pass, LAMB, whose trust ratios need norms first, in
// two.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "parallel/bucket_plan.h"
#include "trainer/kernels/kernels.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

enum class OptimizerName { adamw, lamb };
enum class MomentPrecision { fp32, bf16 };  // bf16: rounded at random, see RoundedMoments

struct OptimizerOptions {
  OptimizerName name = OptimizerName::adamw;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-6, weight_decay = 0.01;
  TrustBounds trust = {};  // LAMB
  MomentPrecision moments = MomentPrecision::fp32;
  std::uint64_t seed = 1;  // of rounding
};

// A flat per-element state tensor: "exp_avg", "exp_avg_sq", fp32 or bf16 [owned range size].
struct Moment {
  std::string name;
  at::Tensor values;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One update; `step` counts updates from 1; gradients are multiplied by `gradient_scale`
  // (clipping, unscaling). Does not touch compute weights: call
  // ParameterSpace::copy_master_to_compute.
  virtual void step(std::int64_t step, double learning_rate, double gradient_scale) = 0;
  virtual std::vector<Moment> moments() = 0;  // views: loading writes into them
  virtual FlatRange owned() const = 0;
};

// No weight decay on biases and LayerNorm parameters. `owned` is the range this rank updates (the
// whole space unless the optimizer is sharded); `sum_over_ranks` sums a small float32 tensor over
// ranks in place and is needed by LAMB's norms when sharded (may be empty otherwise).
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterSpace& space,
                                          FlatRange owned,
                                          std::function<void(at::Tensor)> sum_over_ranks);

}  // namespace bertha
