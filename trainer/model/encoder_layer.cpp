// Attention and feed-forward, each with dropout, residual and LayerNorm after it (Devlin et al.
// 2019).
#include "trainer/model/encoder_layer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace bertha {
namespace {

std::string layer_prefix(std::int64_t layer) {
  return fmt::format("bert.encoder.layer.{}.", layer);
}

}  // namespace

void add_encoder_layer_parameters(const BertConfig& config, std::int64_t layer,
                                  std::vector<ParameterSpec>& specs) {
  const auto prefix = layer_prefix(layer);
  const auto hidden = config.hidden_size, wide = config.intermediate_size;
  add_attention_parameters(config, prefix + "attention.self", specs);
  add_dense(prefix + "attention.output.dense", {hidden, hidden}, specs);
  add_norm(prefix + "attention.output.LayerNorm", hidden, specs);
  add_dense(prefix + "intermediate.dense", {hidden, wide}, specs);
  add_dense(prefix + "output.dense", {wide, hidden}, specs);
  add_norm(prefix + "output.LayerNorm", hidden, specs);
}

EncoderLayerWeights encoder_layer_weights(const ParameterSpace& space, std::int64_t layer) {
  const auto prefix = layer_prefix(layer);
  return {attention_weights(space, prefix + "attention.self"),
          dense_named(space, prefix + "attention.output.dense"),
          norm_named(space, prefix + "attention.output.LayerNorm"),
          dense_named(space, prefix + "intermediate.dense"),
          dense_named(space, prefix + "output.dense"),
          norm_named(space, prefix + "output.LayerNorm")};
}

at::Tensor encoder_layer(const EncoderLayerWeights& weights, std::int64_t layer,
                         const at::Tensor& hidden, const EncoderContext& context) {
  const auto& config = context.config;
  const auto drop = [&](const at::Tensor& values, LayerDropout place) {
    return context.dropout.hidden(values, dropout_site(layer, place), config.hidden_dropout);
  };
  const auto attended = attend(weights.attention, hidden, context.layout,
                               {.heads = config.attention_heads,
                                .dropout_rate = config.attention_dropout,
                                .dropout_site = dropout_site(layer, LayerDropout::attention)},
                               context.dropout);
  const auto projected =
      drop(dense(weights.attention_output, attended), LayerDropout::attention_output);
  const auto middle =
      layer_norm(weights.attention_norm, projected + hidden, config.layer_norm_epsilon);

  const auto wide = activate(config.activation, dense(weights.intermediate, middle));
  const auto narrow = drop(dense(weights.output, wide), LayerDropout::output);
  return layer_norm(weights.output_norm, narrow + middle, config.layer_norm_epsilon);
}

}  // namespace bertha
