// AdamW over runs of parameters of equal decay and rate.
#include "trainer/optim/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>

#include "trainer/kernels/kernels.h"

namespace bertha {

AdamW::AdamW(const OptimizerOptions& options, ParameterSpace& space, FlatRange owned)
    : options_(options),
      owned_(owned),
      views_(owned_views(space, owned, options.moments)),
      runs_(decay_runs(space, owned)) {
  for (auto& run : runs_) {
    run.range.begin -= owned.begin;
    run.range.end -= owned.begin;
  }
  if (views_.weights.is_cuda() && cuda_kernels_built()) {
    chunks_.emplace(parameter_parts(space, owned), owned, views_.weights.device());
  }
}

AdamWJob AdamW::job_of(FlatRange range, const StepNumbers& numbers) const {
  const auto part = views_.slice(range.begin, range.end);
  AdamWJob job{.weights = part.weights.data_ptr<float>(),
               .gradient = part.gradient.const_data_ptr<float>(),
               .first_moment = nullptr,
               .second_moment = nullptr,
               .count = range.size(),
               .learning_rate = numbers.learning_rate,
               .beta1 = options_.beta1,
               .beta2 = options_.beta2,
               .epsilon = options_.epsilon,
               .weight_decay = options_.weight_decay,
               .gradient_scale = numbers.gradient_scale,
               .step = numbers.step};
  set_moments(job, part, options_.seed, owned_.begin + range.begin);
  return job;
}

void AdamW::step(std::int64_t step, double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_gradient;
  RECORD_USER_SCOPE("adamw");
  const StepNumbers numbers{step, learning_rate, gradient_scale};
  if (chunks_) {
    return adamw_update(job_of({0, owned_.size()}, numbers), chunks_->view(),
                        chunks_->place(KernelDevice::cuda));
  }
  for (const auto& run : runs_) {
    if (run.rate == 0) continue;  // frozen: no weight decay either
    const StepNumbers here{step, learning_rate * run.rate, gradient_scale};
    auto options = options_;
    if (!run.decays) options.weight_decay = 0;
    if (!views_.weights.is_cpu()) {
      adamw_by_aten(views_.slice(run.range.begin, run.range.end), options, here);
      continue;
    }
    auto job = job_of(run.range, here);
    job.weight_decay = options.weight_decay;
    adamw_update(job);
  }
}

std::vector<Moment> AdamW::moments() {
  return {{"exp_avg", views_.first_moment}, {"exp_avg_sq", views_.second_moment}};
}

}  // namespace bertha
