// Checks the options and picks the optimizer.
#include "trainer/optim/optimizer.h"

#include <cmath>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/optim/adamw.h"
#include "trainer/optim/lamb.h"

namespace bertha {
namespace {

void check(const OptimizerOptions& options, const ParameterSpace& space, FlatRange owned) {
  const auto require = [](bool holds, const char* name, double value, const char* expected) {
    if (holds) return;
    throw Error(ErrorKind::usage,
                fmt::format("optimizer.{} = {}: expected {}", name, value, expected));
  };
  const auto in_unit_range = [](double beta) { return beta >= 0 && beta < 1; };
  require(in_unit_range(options.beta1), "beta1", options.beta1, "a number from 0 to below 1");
  require(in_unit_range(options.beta2), "beta2", options.beta2, "a number from 0 to below 1");
  // Zero would divide 0 by 0 wherever there never was a gradient.
  require(options.epsilon >= 1e-30 && std::isfinite(options.epsilon), "epsilon", options.epsilon,
          "a positive number (float32)");
  require(options.weight_decay >= 0 && std::isfinite(options.weight_decay), "weight_decay",
          options.weight_decay, "a number of at least 0");
  const auto bounds = [&](const char* names, double least, double most) {
    require(least >= 0 && (most == 0 || most >= least), names, most,
            "0 (none) or no less than its min");
  };
  bounds("trust_ratio_max", options.trust.ratio_min, options.trust.ratio_max);
  bounds("weight_norm_max", options.trust.norm_min, options.trust.norm_max);
  if (options.moments == MomentPrecision::bf16 && !space.master().is_cpu() &&
      !cuda_kernels_built()) {
    throw Error(ErrorKind::usage, "optimizer.moments bf16: on a GPU only with our CUDA kernels",
                "build with nvcc, or use fp32");
  }
  if (owned.begin < 0 || owned.begin > owned.end || owned.end > space.size()) {
    throw Error(ErrorKind::internal, fmt::format("an optimizer of [{}, {}) in a space of {}",
                                                 owned.begin, owned.end, space.size()));
  }
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterSpace& space,
                                          FlatRange owned,
                                          std::function<void(at::Tensor)> sum_over_ranks) {
  check(options, space, owned);
  switch (options.name) {
    case OptimizerName::adamw:
      return std::make_unique<AdamW>(options, space, owned);
    case OptimizerName::lamb:
      return std::make_unique<Lamb>(options, space, owned, std::move(sum_over_ranks));
  }
  throw Error(ErrorKind::internal, "unknown optimizer");
}

}  // namespace bertha
