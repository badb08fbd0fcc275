// AdamW over runs of parameters of equal decay and rate.
#include "trainer/optim/adamw.h"

#include <ATen/ATen.h>

#include "trainer/kernels/kernels.h"

namespace bertha {

AdamW::AdamW(const OptimizerOptions& options, ParameterSpace& space, FlatRange owned)
    : options_(options),
      owned_(owned),
      views_(owned_views(space, owned)),
      runs_(decay_runs(space, owned)) {
  for (auto& run : runs_) {
    run.range.begin -= owned.begin;
    run.range.end -= owned.begin;
  }
}

void AdamW::step(std::int64_t step, double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_gradient;
  for (const auto& run : runs_) {
    if (run.rate == 0) continue;  // frozen: no weight decay either
    const double rate = learning_rate * run.rate;
    const auto part = views_.slice(run.range.begin, run.range.end);
    auto options = options_;
    if (!run.decays) options.weight_decay = 0;
    if (!part.weights.is_cpu()) {
      adamw_by_aten(part, options, {step, rate, gradient_scale});
      continue;
    }
    adamw_update({.weights = part.weights.data_ptr<float>(),
                  .gradient = part.gradient.const_data_ptr<float>(),
                  .first_moment = part.first_moment.data_ptr<float>(),
                  .second_moment = part.second_moment.data_ptr<float>(),
                  .count = run.range.size(),
                  .learning_rate = rate,
                  .beta1 = options.beta1,
                  .beta2 = options.beta2,
                  .epsilon = options.epsilon,
                  .weight_decay = options.weight_decay,
                  .gradient_scale = gradient_scale,
                  .step = step});
  }
}

std::vector<Moment> AdamW::moments() {
  return {{"exp_avg", views_.first_moment}, {"exp_avg_sq", views_.second_moment}};
}

}  // namespace bertha
