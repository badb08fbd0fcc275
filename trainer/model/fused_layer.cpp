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

std::string layer_prefix(std::int64_t layer) {
  return fmt::format("bert.encoder.layer.{}.", layer);
}

}  // namespace

bool fused_activation_exists(const std::string& name) {
  return name == "gelu" || name == "gelu_new" || name == "relu";
}

Activation fused_activation(const std::string& name) {
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new") return Activation::gelu_tanh;
  if (name == "relu") return Activation::relu;
  throw Error(ErrorKind::internal, fmt::format("no activation {}", name));
}

FusedLayer::FusedLayer(const BertConfig& config, const ParameterSpace& space, std::int64_t layer,
                       KernelDevice device)
    : config_(config),
      layer_(layer),
      device_(device),
      attention_parameters_(space, device),
      attention_output_parameters_(space, device),
      intermediate_parameters_(space, device),
      output_parameters_(space, device),
      attention_(config, attention_parameters_, layer_prefix(layer) + "attention.self.", layer,
                 device) {
  const auto prefix = layer_prefix(layer);
  attention_output_ = attention_output_parameters_.matrix(prefix + "attention.output.dense.weight");
  attention_output_bias_ =
      attention_output_parameters_.vector(prefix + "attention.output.dense.bias");
  attention_scale_ =
      attention_output_parameters_.vector(prefix + "attention.output.LayerNorm.weight");
  attention_shift_ =
      attention_output_parameters_.vector(prefix + "attention.output.LayerNorm.bias");
  intermediate_ = intermediate_parameters_.matrix(prefix + "intermediate.dense.weight");
  intermediate_bias_ = intermediate_parameters_.vector(prefix + "intermediate.dense.bias");
  output_ = output_parameters_.matrix(prefix + "output.dense.weight");
  output_bias_ = output_parameters_.vector(prefix + "output.dense.bias");
  output_scale_ = output_parameters_.vector(prefix + "output.LayerNorm.weight");
  output_shift_ = output_parameters_.vector(prefix + "output.LayerNorm.bias");
}

at::Tensor FusedLayer::rows_to_compute(const FusedPass& pass, const at::Tensor& input,
                                       LayerActivations& kept) const {
  if (!narrows(pass)) return input;
  auto chosen = kept.chosen.sized(pass.needed_count(), config_.hidden_size, input.options());
  return at::index_select_out(chosen, input, 0, pass.needed.rows);
}

template <class T>
void FusedLayer::forward_as(const FusedPass& pass, const at::Tensor& input, LayerActivations& kept,
                            FusedScratch& scratch, const at::Tensor& output) const {
  const auto asking = rows_to_compute(pass, input, kept);
  const auto rows = asking.size(0), hidden = config_.hidden_size;
  const auto type = input.options();
  const auto packed = narrows(pass) ? pass.needed_rows() : pass.rows();
  const auto attended = attention_.forward(pass, narrows(pass), input, asking, kept.attention);

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
  const auto rows = output_gradient.first.size(0), hidden = config_.hidden_size,
             width = config_.intermediate_size;
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

  const auto wide = kept.wide.sized(rows, width, type);
  const auto wide_gradient = scratch.wide.sized(rows, width, type);
  const auto middle = kept.middle.sized(rows, hidden, type);
  dense_input_gradient(output_, values, wide_gradient);
  activation_backward(
      ActivationGradientJob<T>{fused_activation(config_.activation), rows, width, elements<T>(wide),
                               elements<T>(wide_gradient), intermediate_bias_.values,
                               intermediate_bias_.gradient, device_ == KernelDevice::cpu},
      where);
  const auto activated =
      device_ == KernelDevice::cpu ? wide : kept.activated.sized(rows, width, type);
  dense_weight_gradient(output_, values, activated, scratch);
  output_parameters_.announce();
  dense_weight_gradient(intermediate_, wide_gradient, middle, scratch);
  intermediate_parameters_.announce();
  dense_input_gradient(intermediate_, wide_gradient, more);

  norm({sum, more}, kept.attention_normed, kept.attention_deviation, attention_scale_,
       attention_shift_, attention_output_bias_, LayerDropout::attention_output);
  dense_input_gradient(attention_output_, values, more);
  const auto asking = narrows(pass) ? kept.chosen.sized(rows, hidden, type) : input;
  dense_weight_gradient(attention_output_, values, attention_.output_of(asking, kept.attention),
                        scratch);
  attention_output_parameters_.announce();
  const auto input_gradient = scratch.more.sized(pass.count(), hidden, type);
  attention_.backward(pass, narrows(pass), input, asking, more, sum, input_gradient, kept.attention,
                      scratch);
  attention_parameters_.announce();
  if (!narrows(pass)) return {sum, input_gradient};
  const auto whole = scratch.sum.sized(pass.count(), hidden, type);
  whole.zero_().index_copy_(0, pass.needed.rows, sum);
  return {whole, input_gradient};
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
