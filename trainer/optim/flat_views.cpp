// AdamW and LAMB in ATen operations, any device; the kernels are tested against these.
#include "trainer/optim/flat_views.h"

#include <cmath>

#include <ATen/ATen.h>

namespace bertha {
namespace {

double bias_correction(double beta, std::int64_t step) {
  return 1.0 - std::pow(beta, static_cast<double>(step));
}

void update_moments(const FlatViews& views, const OptimizerOptions& options, double scale) {
  const auto gradient = views.gradient * scale;
  views.first_moment.lerp_(gradient, 1.0 - options.beta1);
  views.second_moment.mul_(options.beta2).addcmul_(gradient, gradient, 1.0 - options.beta2);
}

at::Tensor denominator(const FlatViews& views, const OptimizerOptions& options, std::int64_t step) {
  return (views.second_moment.sqrt() / std::sqrt(bias_correction(options.beta2, step)))
      .add_(options.epsilon);
}

at::Tensor lamb_update(const FlatViews& views, const OptimizerOptions& options, std::int64_t step) {
  auto update = views.first_moment / bias_correction(options.beta1, step);
  update.div_(denominator(views, options, step));
  if (options.weight_decay != 0) update.add_(views.weights, options.weight_decay);
  return update;
}

}  // namespace

FlatViews FlatViews::slice(std::int64_t begin, std::int64_t end) const {
  return {weights.slice(0, begin, end), gradient.slice(0, begin, end),
          first_moment.slice(0, begin, end), second_moment.slice(0, begin, end)};
}

FlatViews owned_views(const ParameterSpace& space, FlatRange owned, MomentPrecision moments) {
  const auto weights = space.master().slice(0, owned.begin, owned.end);
  const auto options =
      weights.options().dtype(moments == MomentPrecision::bf16 ? at::kBFloat16 : at::kFloat);
  return {weights, space.gradient().slice(0, owned.begin, owned.end),
          at::zeros(weights.sizes(), options), at::zeros(weights.sizes(), options)};
}

void adamw_by_aten(const FlatViews& views, const OptimizerOptions& options,
                   const StepNumbers& numbers) {
  update_moments(views, options, numbers.gradient_scale);
  views.weights.mul_(1.0 - numbers.learning_rate * options.weight_decay);
  views.weights.addcdiv_(views.first_moment, denominator(views, options, numbers.step),
                         -numbers.learning_rate / bias_correction(options.beta1, numbers.step));
}

at::Tensor lamb_moments_by_aten(const FlatViews& views, const OptimizerOptions& options,
                                const StepNumbers& numbers) {
  update_moments(views, options, numbers.gradient_scale);
  const auto update = lamb_update(views, options, numbers.step);
  return at::stack({views.weights.square().sum(), update.square().sum()});
}

void lamb_weights_by_aten(const FlatViews& views, const OptimizerOptions& options,
                          std::int64_t step, double rate) {
  views.weights.sub_(lamb_update(views, options, step), rate);
}

}  // namespace bertha
