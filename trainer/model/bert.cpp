// BERT from packed tokens to hidden states and logits.
#include "trainer/model/bert.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/model/attention.h"
#include "trainer/model/dropout.h"
#include "trainer/model/embeddings.h"
#include "trainer/model/encoder_layer.h"
#include "trainer/model/forward_stages.h"
#include "trainer/model/fused_dense.h"
#include "trainer/model/fused_layer.h"
#include "trainer/model/fused_model.h"
#include "trainer/model/heads.h"
#include "trainer/model/recomputed_layers.h"

namespace bertha {

struct Bert::Weights {
  EmbeddingWeights embeddings;
  std::vector<EncoderLayerWeights> layers;
  HeadWeights head;
  ForwardStages stages;
};

namespace {

// The caller has checked ids against the vocabulary; here only what would be undefined behaviour.
void check_input(const PackedInput& input, const BertConfig& config) {
  const auto& offsets = input.sequence_offsets;
  const auto tokens = input.tokens.size(0);
  bool sound = offsets.size() >= 2 && offsets.front() == 0 && offsets.back() == tokens &&
               input.sample_numbers.size() + 1 == offsets.size() &&
               input.segments.size(0) == tokens && input.positions.size(0) == tokens;
  std::int64_t longest = 0;
  for (std::size_t s = 0; sound && s + 1 < offsets.size(); ++s) {
    sound = offsets[s + 1] > offsets[s];
    longest = std::max<std::int64_t>(longest, offsets[s + 1] - offsets[s]);
  }
  if (!sound || longest != input.longest) {
    throw Error(ErrorKind::internal, "a packed batch whose sequence offsets do not fit its tokens");
  }
  if (longest > config.max_positions) {
    throw Error(ErrorKind::bad_data,
                fmt::format("a sequence has {} tokens; the model has positions for {}", longest,
                            config.max_positions),
                "shorten the sequences, or take a model with more positions");
  }
}

bool within(const at::Tensor& ids, std::int64_t count) {
  return ids.numel() == 0 ||
         (ids.min().item<std::int64_t>() >= 0 && ids.max().item<std::int64_t>() < count);
}

[[noreturn]] void throw_unknown_id(const BertConfig& config) {
  throw Error(ErrorKind::bad_data,
              fmt::format("a token id, segment or position is outside the model's {} words, {} "
                          "segments and {} positions",
                          config.vocabulary_size, config.segment_types, config.max_positions),
              "use the vocabulary the model was trained with");
}

// On the CPU; elsewhere the caller's check must do: the host would wait for the device.
void check_ids(const PackedInput& input, const BertConfig& config) {
  if (input.tokens.is_cpu() && (!within(input.tokens, config.vocabulary_size) ||
                                !within(input.segments, config.segment_types) ||
                                !within(input.positions, config.max_positions))) {
    throw_unknown_id(config);
  }
}

const DenseWeights& require(const DenseWeights& weights, const char* what, Head head) {
  if (!weights.weight.defined()) {
    throw Error(ErrorKind::internal, fmt::format("{} has no {}", head_architecture(head), what));
  }
  return weights;
}

}  // namespace

std::vector<ParameterSpec> bert_parameters(const BertConfig& config, Head head,
                                           std::int64_t labels) {
  config.check();
  std::vector<ParameterSpec> specs;
  add_embedding_parameters(config, specs);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    add_encoder_layer_parameters(config, layer, specs);
  }
  add_head_parameters(config, head, labels, specs);
  return specs;
}

Bert::Bert(const BertConfig& config, Head head, const ParameterSpace& space)
    : config_(config), head_(head) {
  auto weights =
      std::make_shared<Weights>(Weights{embedding_weights(space), {}, {}, {space, config.layers}});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    weights->layers.push_back(encoder_layer_weights(space, layer));
  }
  weights->head = head_weights(space, head);
  const bool masked_lm = weights->head.transform.weight.defined();
  weights_ = std::move(weights);
  if (config.implementation == Implementation::reference) return;
  const bool automatic = config.implementation == Implementation::automatic;
  if (!fused_activation_exists(config.activation)) {
    if (automatic) return;
    throw Error(ErrorKind::usage,
                fmt::format("model.implementation fused: it has no kernel for the activation {}",
                            config.activation),
                "use auto or reference");
  }
  if (!fused_model_supports(space)) {
    if (automatic) return;
    throw Error(
        ErrorKind::usage,
        "model.implementation fused: only in fp32 or bf16, on the CPU, or on a GPU when the "
        "program was built with nvcc",
        "use auto or reference");
  }
  fused_ = std::make_shared<FusedModel>(config, space, masked_lm);
}

at::Tensor Bert::encode(const PackedInput& input, const ForwardContext& context) const {
  check_input(input, config_);
  if (fused_) {
    check_ids(input, config_);
    return with_all_weights(fused_->encode(input, context));
  }
  weights_->stages.embeddings();
  const Dropout dropout(input, context);
  at::Tensor hidden;
  try {
    hidden = embed(weights_->embeddings, config_, input, dropout);
  } catch (const c10::IndexError&) {  // the CPU checks ids; on a GPU the caller's check must do
    throw_unknown_id(config_);
  }
  if (config_.recompute == Recompute::layers && at::GradMode::is_enabled()) {
    weights_->stages.everything();
    return recomputed_layers(weights_->layers, hidden, config_, input, context);
  }
  const auto layout = attention_layout(input, hidden.scalar_type());
  const EncoderContext shared{config_, layout, dropout};
  for (std::size_t layer = 0; layer < weights_->layers.size(); ++layer) {
    weights_->stages.layer(layer);
    hidden =
        encoder_layer(weights_->layers[layer], static_cast<std::int64_t>(layer), hidden, shared);
  }
  return with_all_weights(std::move(hidden));
}

// Heads come next: their weights are the last of the space.
at::Tensor Bert::with_all_weights(at::Tensor hidden) const {
  weights_->stages.everything();
  return hidden;
}

Bert::Encoded Bert::encode(const PackedInput& input, const ForwardContext& context,
                           const HeadRows& heads) const {
  const auto device = input.tokens.device();
  if (!fused_ || !fused_->leaves_rows_out()) {
    return {encode(input, context), rows_on(heads, device)};
  }
  check_input(input, config_);
  check_ids(input, config_);
  const auto needed = rows_read(heads, input);
  return {with_all_weights(fused_->encode(input, context, needed)),
          rows_on(places_in(needed, heads), device)};
}

at::Tensor Bert::head_dense(const DenseWeights& weights, const at::Tensor& values) const {
  return fused_ ? fused_linear(values, weights.weight, weights.bias) : dense(weights, values);
}

at::Tensor Bert::pool(const at::Tensor& hidden, const at::Tensor& first) const {
  const auto& pooler = require(weights_->head.pooler, "pooler", head_);
  return at::tanh(head_dense(pooler, hidden.index_select(0, first)));
}

at::Tensor Bert::masked_lm_logits(const at::Tensor& masked_hidden) const {
  const auto& head = weights_->head;
  const auto wide = head_dense(require(head.transform, "MLM head", head_), masked_hidden);
  const auto normed = layer_norm(head.transform_norm, activate(config_.activation, wide),
                                 config_.layer_norm_epsilon);
  if (fused_) return fused_->decode(normed, head.decoder_bias);
  return dense({weights_->embeddings.words, head.decoder_bias}, normed);
}

Bert::MaskedLmLoss Bert::masked_lm_loss(const at::Tensor& hidden, const at::Tensor& positions,
                                        const at::Tensor& labels) const {
  require(weights_->head.transform, "MLM head", head_);
  if (fused_) {
    const bool looks = positions.is_cpu();
    if (looks && (!within(positions, hidden.size(0)) || !within(labels, config_.vocabulary_size))) {
      throw Error(ErrorKind::bad_data, "a masked position or its label is out of range");
    }
    const auto loss = fused_->masked_lm_loss(hidden, positions, labels);
    return {loss.sum, loss.correct};
  }
  auto logits = masked_lm_logits(hidden.index_select(0, positions));
  logits = logits.to(exact_type(logits));
  return {at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum),
          logits.detach().argmax(1).eq(labels).sum()};
}

at::Tensor Bert::next_sentence_logits(const at::Tensor& pooled) const {
  return head_dense(require(weights_->head.next_sentence, "NSP head", head_), pooled);
}

at::Tensor Bert::classify(const at::Tensor& features, const PackedInput& input,
                          const ForwardContext& context) const {
  const double rate = config_.classifier_dropout.value_or(config_.hidden_dropout);
  const auto kept = Dropout(input, context).hidden(features, kClassifierDropout, rate);
  return head_dense(require(weights_->head.classifier, "classifier", head_), kept);
}

at::Tensor Bert::question_logits(const at::Tensor& hidden) const {
  return head_dense(require(weights_->head.question, "question answering head", head_), hidden);
}

}  // namespace bertha
