// Products through ATen, everything between them in one kernel each.
#include "trainer/model/fused_layer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/model/dropout.h"

namespace bertha {
namespace {

at::Tensor column_of(ReusedTensor& memory, const at::Tensor& like) {
  return memory.sized(like.size(0), 1, like.options().dtype(at::kFloat));
}

}  // namespace

Activation fused_activation(const std::string& name) {
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new") return Activation::gelu_tanh;
  if (name == "relu") return Activation::relu;
  throw Error(ErrorKind::internal, fmt::format("no activation {}", name));
}

FusedLayer::FusedLayer(const BertConfig& config, const ParameterSpace& space, std::int64_t layer,
                       KernelDevice device)
    : config_(config), layer_(layer), device_(device), parameters_(space, device) {
  const auto prefix = fmt::format("bert.encoder.layer.{}.", layer);
  const auto self = prefix + "attention.self.";
  mixed_ = parameters_.stacked({self + "query.weight", self + "key.weight", self + "value.weight"});
  query_ = some_outputs(mixed_.front(), 0, config.hidden_size);
  key_value_ =
      mixed_.size() == 1
          ? std::vector{some_outputs(mixed_[0], config.hidden_size, 2 * config.hidden_size)}
          : std::vector{mixed_[1], mixed_[2]};
  mixed_bias_[0] = parameters_.vector(self + "query.bias");
  mixed_bias_[1] = parameters_.vector(self + "key.bias");
  mixed_bias_[2] = parameters_.vector(self + "value.bias");
  mixed_bias_values_ =
      parameters_.stacked_values({self + "query.bias", self + "key.bias", self + "value.bias"});
  attention_output_ = parameters_.matrix(prefix + "attention.output.dense.weight");
  attention_output_bias_ = parameters_.vector(prefix + "attention.output.dense.bias");
  attention_scale_ = parameters_.vector(prefix + "attention.output.LayerNorm.weight");
  attention_shift_ = parameters_.vector(prefix + "attention.output.LayerNorm.bias");
  intermediate_ = parameters_.matrix(prefix + "intermediate.dense.weight");
  intermediate_bias_ = parameters_.vector(prefix + "intermediate.dense.bias");
  output_ = parameters_.matrix(prefix + "output.dense.weight");
  output_bias_ = parameters_.vector(prefix + "output.dense.bias");
  output_scale_ = parameters_.vector(prefix + "output.LayerNorm.weight");
  output_shift_ = parameters_.vector(prefix + "output.LayerNorm.bias");
}

at::Tensor FusedLayer::rows_to_compute(const FusedPass& pass, const at::Tensor& input,
                                       LayerActivations& kept) const {
  if (!narrows(pass)) return input;
  auto chosen = kept.chosen.sized(pass.needed_count(), config_.hidden_size, input.options());
  return at::index_select_out(chosen, input, 0, pass.needed.rows);
}

at::Tensor FusedLayer::mixed_of(const FusedPass& pass, LayerActivations& kept,
                                const at::TensorOptions& type) const {
  return kept.mixed.sized(pass.count(), (narrows(pass) ? 2 : 3) * config_.hidden_size, type);
}

template <class T>
AttentionJob<T> FusedLayer::attention_job(const FusedPass& pass, LayerActivations& kept,
                                          const at::Tensor& output) const {
  AttentionJob<T> job{
      .rows = pass.rows(),
      .heads = config_.attention_heads,
      .head_size = config_.head_size(),
      .mixed = elements<T>(mixed_of(pass, kept, output.options())),
      .bias = {},
      .log_sum = elements<float>(kept.log_sum.sized(config_.attention_heads, output.size(0),
                                                    output.options().dtype(at::kFloat))),
      .output = elements<T>(output),
      .bias_gradient = {},
      .dropout =
          pass.dropout(dropout_site(layer_, LayerDropout::attention), config_.attention_dropout)};
  for (int part = 0; part < 3; ++part) {
    job.bias[part] = mixed_bias_[part].values;
    job.bias_gradient[part] = mixed_bias_[part].gradient;
  }
  if (narrows(pass)) {
    const auto queries = kept.query.sized(output.size(0), output.size(1), output.options());
    job.queries = {pass.needed.offsets.data(), elements<std::int64_t>(pass.needed.rows),
                   elements<T>(queries)};
  }
  return job;
}

template <class T>
at::Tensor FusedLayer::attend(const FusedPass& pass, const at::Tensor& input,
                              const at::Tensor& asking, LayerActivations& kept) const {
  const auto rows = asking.size(0), hidden = config_.hidden_size;
  const auto options = input.options();
  const auto mixed = mixed_of(pass, kept, options);
  if (!takes_flash_attention(device_, input.scalar_type(), config_.head_size())) {
    kept.flash = {};
    if (narrows(pass)) {
      dense_forward(query_, asking, kept.query.sized(rows, hidden, options));
      dense_forward(key_value_, input, mixed);
    } else {
      dense_forward(mixed_, input, mixed);
    }
    const auto attended = kept.attended.sized(rows, hidden, options);
    attention_forward(attention_job<T>(pass, kept, attended), kernel_place(device_, attended));
    return attended;
  }
  dense_forward_with_bias(mixed_, mixed_bias_values_, input, mixed);
  const FlashDropout dropout{
      pass.dropout(dropout_site(layer_, LayerDropout::attention), config_.attention_dropout),
      pass.samples.front()};
  flash_attention_forward(mixed, config_.attention_heads, pass, dropout, kept.flash);
  return kept.flash.output;
}

template <class T>
at::Tensor FusedLayer::attend_backward(const FusedPass& pass, LayerActivations& kept,
                                       FusedScratch& scratch, const at::Tensor& gradient) const {
  const auto tokens = pass.count(), hidden = config_.hidden_size;
  const auto place =
      kernel_place(device_, gradient, {tokens, hidden, config_.attention_heads}, scratch);
  const auto mixed = mixed_of(pass, kept, gradient.options());
  if (!kept.flash.output.defined()) {
    auto job = attention_job<T>(pass, kept, gradient);
    const auto result = device_ == KernelDevice::cpu
                            ? mixed
                            : scratch.mixed.sized(tokens, 3 * hidden, gradient.options());
    if (device_ != KernelDevice::cpu) job.mixed_gradient = elements<T>(result);
    attention_backward(job, place);
    return result;
  }
  const auto parts = flash_attention_backward(gradient, mixed, config_.attention_heads, pass,
                                              config_.attention_dropout, kept.flash);
  for (int part = 0; part < 3; ++part) {
    copy_and_sum_columns(
        ColumnSumJob<T>{tokens, hidden, elements<T>(parts[part]),
                        elements<T>(mixed) + part * hidden, 3 * hidden, mixed_bias_[part].gradient},
        place);
  }
  return mixed;
}

template <class T>
void FusedLayer::forward_as(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                            FusedScratch& scratch, const at::Tensor& output) const {
  const auto asking = rows_to_compute(pass, input, kept);
  const auto rows = asking.size(0), hidden = config_.hidden_size;
  const auto type = input.options();
  const auto packed = narrows(pass) ? pass.needed_rows() : pass.rows();
  const auto attended = attend<T>(pass, input, asking, kept);

  const auto where = kernel_place(device_, input);
  const auto norm = [&](const at::Tensor& values, const FusedVector& bias,
                        const at::Tensor& residual, const FusedVector& scale,
                        const FusedVector& shift, ReusedTensor& deviation, const at::Tensor& to,
                        LayerDropout place) {
    const ResidualNormJob<T> job{
        .rows = packed,
        .row_count = rows,
        .columns = hidden,
        .values = elements<T>(values),
        .bias = bias.values,
        .residual = elements<T>(residual),
        .scale = scale.values,
        .shift = shift.values,
        .inverse_deviation = elements<float>(column_of(deviation, to)),
        .output = elements<T>(to),
        .epsilon = config_.layer_norm_epsilon,
        .dropout = pass.dropout(dropout_site(layer_, place), config_.hidden_dropout)};
    residual_norm_forward(job, where);
  };
  const auto attention_normed = kept.attention_normed.sized(rows, hidden, type);
  const auto middle = kept.middle.sized(rows, hidden, type);
  dense_forward(attention_output_, attended, attention_normed);
  norm(attention_normed, attention_output_bias_, asking, attention_scale_, attention_shift_,
       kept.attention_deviation, middle, LayerDropout::attention_output);

  const auto wide = kept.wide.sized(rows, config_.intermediate_size, type);
  auto& home = device_ == KernelDevice::cpu ? scratch.wide : kept.activated;
  const auto activated = home.sized(rows, config_.intermediate_size, type);
  dense_forward(intermediate_, middle, wide);
  activation_forward(
      ActivationJob<T>{fused_activation(config_.activation), rows, config_.intermediate_size,
                       elements<T>(wide), intermediate_bias_.values, elements<T>(activated)},
      where);
  const auto output_normed = kept.output_normed.sized(rows, hidden, type);
  dense_forward(output_, activated, output_normed);
  norm(output_normed, output_bias_, middle, output_scale_, output_shift_, kept.output_deviation,
       output, LayerDropout::output);
}

template <class T>
SplitGradient FusedLayer::backward_as(const FusedPass& pass, const at::Tensor& input,
                                      LayerActivations& kept, FusedScratch& scratch,
                                      const SplitGradient& output_gradient) const {
  const auto rows = output_gradient.first.size(0), hidden = config_.hidden_size;
  const auto type = input.options();
  const auto sum = (narrows(pass) ? scratch.needed_sum : scratch.sum).sized(rows, hidden, type);
  const auto more = scratch.more.sized(rows, hidden, type);
  // Without dropout the gradient before it is the one after it.
  const bool drops = pass.context.training && config_.hidden_dropout > 0;
  const auto values = drops ? scratch.values.sized(rows, hidden, type) : sum;

  const auto packed = narrows(pass) ? pass.needed_rows() : pass.rows();
  const auto where = kernel_place(device_, sum, {rows, hidden, config_.attention_heads}, scratch);
  const auto norm = [&](const SplitGradient& gradient, ReusedTensor& normed,
                        ReusedTensor& deviation, const FusedVector& scale, const FusedVector& shift,
                        const FusedVector& bias, LayerDropout place) {
    const ResidualNormGradientJob<T> job{
        .rows = packed,
        .row_count = rows,
        .columns = hidden,
        .output_gradient = elements<T>(gradient.first),
        .more_output_gradient = gradient.second.defined() ? elements<T>(gradient.second) : nullptr,
        .normalised = elements<T>(normed.sized(rows, hidden, type)),
        .scale = scale.values,
        .inverse_deviation = elements<float>(column_of(deviation, sum)),
        .residual_gradient = elements<T>(sum),
        .values_gradient = drops ? elements<T>(values) : nullptr,
        .scale_gradient = scale.gradient,
        .shift_gradient = shift.gradient,
        .bias_gradient = bias.gradient,
        .dropout = pass.dropout(dropout_site(layer_, place), config_.hidden_dropout)};
    residual_norm_backward(job, where);
  };
  norm(output_gradient, kept.output_normed, kept.output_deviation, output_scale_, output_shift_,
       output_bias_, LayerDropout::output);

  const auto wide = kept.wide.sized(rows, config_.intermediate_size, type);
  const auto wide_gradient = scratch.wide.sized(rows, config_.intermediate_size, type);
  const auto middle = kept.middle.sized(rows, hidden, type);
  dense_input_gradient(output_, values, wide_gradient);
  activation_backward(
      ActivationGradientJob<T>{fused_activation(config_.activation), rows,
                               config_.intermediate_size, elements<T>(wide),
                               elements<T>(wide_gradient), intermediate_bias_.values,
                               intermediate_bias_.gradient, device_ == KernelDevice::cpu},
      where);
  const auto activated = device_ == KernelDevice::cpu
                             ? wide
                             : kept.activated.sized(rows, config_.intermediate_size, type);
  dense_weight_gradient(output_, values, activated, scratch);
  dense_weight_gradient(intermediate_, wide_gradient, middle, scratch);
  dense_input_gradient(intermediate_, wide_gradient, more);

  norm({sum, more}, kept.attention_normed, kept.attention_deviation, attention_scale_,
       attention_shift_, attention_output_bias_, LayerDropout::attention_output);
  dense_input_gradient(attention_output_, values, more);
  const auto attended =
      kept.flash.output.defined() ? kept.flash.output : kept.attended.sized(rows, hidden, type);
  dense_weight_gradient(attention_output_, values, attended, scratch);
  const auto mixed_gradient = attend_backward<T>(pass, kept, scratch, more);
  SplitGradient result{sum, more};
  if (narrows(pass)) {
    result = widened_gradient(pass, input, kept, scratch, sum);
  } else {
    dense_backward(mixed_, mixed_gradient, input, more, scratch);
  }
  parameters_.announce();
  return result;
}

SplitGradient FusedLayer::widened_gradient(const FusedPass& pass, const at::Tensor& input,
                                           LayerActivations& kept, FusedScratch& scratch,
                                           const at::Tensor& sum) const {
  const auto rows = pass.needed_count(), tokens = pass.count(), hidden = config_.hidden_size;
  const auto type = input.options();
  const auto query_gradient = kept.query.sized(rows, hidden, type);
  dense_weight_gradient(query_, query_gradient, kept.chosen.sized(rows, hidden, type), scratch);
  dense_add_input_gradient(query_, query_gradient, sum);
  const auto whole = scratch.sum.sized(tokens, hidden, type);
  whole.zero_().index_copy_(0, pass.needed.rows, sum);
  const auto more = scratch.more.sized(tokens, hidden, type);
  dense_backward(key_value_, mixed_of(pass, kept, type), input, more, scratch);
  return {whole, more};
}

void FusedLayer::forward(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                         FusedScratch& scratch, const at::Tensor& output) const {
  if (input.scalar_type() == at::kBFloat16) {
    forward_as<Bf16>(pass, input, kept, scratch, output);
  } else {
    forward_as<float>(pass, input, kept, scratch, output);
  }
}

SplitGradient FusedLayer::backward(const FusedPass& pass, const at::Tensor& input,
                                   LayerActivations& kept, FusedScratch& scratch,
                                   const SplitGradient& output_gradient) const {
  return input.scalar_type() == at::kBFloat16
             ? backward_as<Bf16>(pass, input, kept, scratch, output_gradient)
             : backward_as<float>(pass, input, kept, scratch, output_gradient);
}

}  // namespace bertha
