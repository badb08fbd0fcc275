// BERT from packed tokens to hidden states and logits.
#include "trainer/model/bert.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/model/attention.h"
#include "trainer/model/dropout.h"
#include "trainer/model/embeddings.h"
#include "trainer/model/encoder_layer.h"
#include "trainer/model/heads.h"

namespace bertha {

struct Bert::Weights {
  EmbeddingWeights embeddings;
  std::vector<EncoderLayerWeights> layers;
  HeadWeights head;
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
  auto weights = std::make_shared<Weights>();
  weights->embeddings = embedding_weights(space);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    weights->layers.push_back(encoder_layer_weights(space, layer));
  }
  weights->head = head_weights(space, head);
  weights_ = std::move(weights);
}

at::Tensor Bert::encode(const PackedInput& input, const ForwardContext& context) const {
  check_input(input, config_);
  const Dropout dropout(input, context);
  at::Tensor hidden;
  try {
    hidden = embed(weights_->embeddings, config_, input, dropout);
  } catch (const c10::IndexError&) {  // the CPU checks ids; on a GPU the caller's check must do
    throw Error(ErrorKind::bad_data,
                fmt::format("a token id, segment or position is outside the model's {} words, {} "
                            "segments and {} positions",
                            config_.vocabulary_size, config_.segment_types, config_.max_positions),
                "use the vocabulary the model was trained with");
  }
  const auto layout = attention_layout(input, hidden.scalar_type());
  const EncoderContext shared{config_, layout, dropout};
  for (std::size_t layer = 0; layer < weights_->layers.size(); ++layer) {
    hidden =
        encoder_layer(weights_->layers[layer], static_cast<std::int64_t>(layer), hidden, shared);
  }
  return hidden;
}

at::Tensor Bert::pool(const at::Tensor& hidden, const PackedInput& input) const {
  const auto first = hidden.index_select(0, input.sequence_starts);  // [B, hidden]
  return at::tanh(dense(require(weights_->head.pooler, "pooler", head_), first));
}

at::Tensor Bert::masked_lm_logits(const at::Tensor& masked_hidden) const {
  const auto& head = weights_->head;
  const auto wide = dense(require(head.transform, "MLM head", head_), masked_hidden);
  const auto normed = layer_norm(head.transform_norm, activate(config_.activation, wide),
                                 config_.layer_norm_epsilon);
  return dense({weights_->embeddings.words, head.decoder_bias}, normed);
}

at::Tensor Bert::next_sentence_logits(const at::Tensor& pooled) const {
  return dense(require(weights_->head.next_sentence, "NSP head", head_), pooled);
}

at::Tensor Bert::classify(const at::Tensor& features, const PackedInput& input,
                          const ForwardContext& context) const {
  const double rate = config_.classifier_dropout.value_or(config_.hidden_dropout);
  const auto kept = Dropout(input, context).hidden(features, kClassifierDropout, rate);
  return dense(require(weights_->head.classifier, "classifier", head_), kept);
}

at::Tensor Bert::question_logits(const at::Tensor& hidden) const {
  return dense(require(weights_->head.question, "question answering head", head_), hidden);
}

}  // namespace bertha
