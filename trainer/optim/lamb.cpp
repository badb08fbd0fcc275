// Two passes over the parameters with the norms in between.
#include "trainer/optim/lamb.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "parallel/base/error.h"
#include "trainer/kernels/cuda/trust_ratio_twin.h"

namespace bertha {

Lamb::Lamb(const OptimizerOptions& options, ParameterSpace& space, FlatRange owned,
           std::function<void(at::Tensor)> sum_over_ranks)
    : options_(options),
      owned_(owned),
      parameters_(space.parameters().size()),
      sharded_(owned != FlatRange{0, space.size()}),
      sum_over_ranks_(std::move(sum_over_ranks)),
      views_(owned_views(space, owned, options.moments)),
      parts_(parameter_parts(space, owned)) {
  if (sharded_ && !sum_over_ranks_) {
    throw Error(ErrorKind::internal, "a sharded LAMB needs a sum over ranks for its norms");
  }
  if (views_.weights.is_cuda() && cuda_kernels_built()) {
    chunks_.emplace(parts_, owned, views_.weights.device());
  }
}

FlatViews Lamb::views_of(const ParameterPart& part) const {
  return views_.slice(part.range.begin - owned_.begin, part.range.end - owned_.begin);
}

OptimizerOptions Lamb::options_of(const ParameterPart& part) const {
  auto options = options_;
  if (!part.decays) options.weight_decay = 0;
  return options;
}

LambJob Lamb::job_of(const ParameterPart& part, const StepNumbers& numbers) const {
  const auto views = views_of(part);
  const auto options = options_of(part);
  LambJob job{.weights = views.weights.data_ptr<float>(),
              .gradient = views.gradient.const_data_ptr<float>(),
              .first_moment = nullptr,
              .second_moment = nullptr,
              .count = part.range.size(),
              .beta1 = options.beta1,
              .beta2 = options.beta2,
              .epsilon = options.epsilon,
              .weight_decay = options.weight_decay,
              .gradient_scale = numbers.gradient_scale,
              .step = numbers.step,
              .trust = options.trust};
  set_moments(job, views, options.seed, part.range.begin);
  return job;
}

// Sums by parameter, of this rank's elements.
std::vector<LambSums> Lamb::update_moments(const StepNumbers& numbers) const {
  std::vector<LambSums> sums(parameters_);
  if (views_.weights.is_cpu()) {
    for (const auto& part : parts_) sums[part.parameter] = lamb_moments(job_of(part, numbers));
    return sums;
  }
  std::vector<at::Tensor> on_device;
  for (const auto& part : parts_) {
    on_device.push_back(lamb_moments_by_aten(views_of(part), options_of(part), numbers));
  }
  if (on_device.empty()) return sums;
  const auto all = at::stack(on_device).cpu();  // one wait for the device, not one per parameter
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const auto row = all[static_cast<std::int64_t>(i)];
    sums[parts_[i].parameter] = {row[0].item<float>(), row[1].item<float>()};
  }
  return sums;
}

// Parameters that lie on several ranks get the sums of all of them.
void Lamb::add_over_ranks(std::vector<LambSums>& sums) const {
  auto values = at::zeros({static_cast<std::int64_t>(2 * parameters_)}, at::kFloat);
  for (std::size_t i = 0; i < parameters_; ++i) {
    values.data_ptr<float>()[2 * i] = static_cast<float>(sums[i].weights);
    values.data_ptr<float>()[2 * i + 1] = static_cast<float>(sums[i].update);
  }
  auto everyones = values.to(views_.weights.device());
  sum_over_ranks_(everyones);
  everyones = everyones.cpu();
  const auto* total = everyones.data_ptr<float>();
  for (const auto& part : parts_) {
    if (part.whole) continue;
    sums[part.parameter] = {total[2 * part.parameter], total[2 * part.parameter + 1]};
  }
}

// Norms stay on the device, unless other ranks have parts of them.
void Lamb::step_on_device(const StepNumbers& numbers) const {
  const ParameterPart everything{0, owned_, true, false};
  const auto job = job_of(everything, numbers);
  const auto place = chunks_->place(KernelDevice::cuda);
  const auto device_sums = chunks_->sums();
  auto* sums = static_cast<LambSums*>(device_sums.data_ptr());
  lamb_moments(job, chunks_->view(), sums, place);
  if (sharded_) {
    auto host = device_sums.cpu();
    auto* values = static_cast<LambSums*>(host.data_ptr());
    std::vector<LambSums> by_parameter(parameters_);
    for (std::size_t i = 0; i < parts_.size(); ++i) by_parameter[parts_[i].parameter] = values[i];
    add_over_ranks(by_parameter);
    for (std::size_t i = 0; i < parts_.size(); ++i) values[i] = by_parameter[parts_[i].parameter];
    device_sums.copy_(host);
  }
  lamb_weights(job, chunks_->view(), sums, numbers.learning_rate, place);
}

void Lamb::step(std::int64_t step, double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_gradient;
  const StepNumbers numbers{step, learning_rate, gradient_scale};
  if (chunks_) return step_on_device(numbers);
  auto sums = update_moments(numbers);
  if (sharded_) add_over_ranks(sums);
  for (const auto& part : parts_) {
    if (part.rate == 0) continue;
    const double ratio =
        (part.decays ? twin::trust_ratio(sums[part.parameter], options_.trust) : 1.0) * part.rate;
    if (views_.weights.is_cpu()) {
      lamb_weights(job_of(part, numbers), learning_rate * ratio);
    } else {
      lamb_weights_by_aten(views_of(part), options_of(part), step, learning_rate * ratio);
    }
  }
}

std::vector<Moment> Lamb::moments() {
  return {{"exp_avg", views_.first_moment}, {"exp_avg_sq", views_.second_moment}};
}

}  // namespace bertha
