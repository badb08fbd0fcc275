// Embedding lookups on packed tokens.
#include "trainer/model/embeddings.h"

#include <ATen/ATen.h>

namespace bertha {

void add_embedding_parameters(const BertConfig& config, std::vector<ParameterSpec>& specs) {
  const auto hidden = config.hidden_size;
  specs.push_back({.name = "bert.embeddings.word_embeddings.weight",
                   .shape = {config.vocabulary_size, hidden},
                   .spare_rows = config.padded_vocabulary() - config.vocabulary_size});
  specs.push_back({"bert.embeddings.position_embeddings.weight", {config.max_positions, hidden}});
  specs.push_back({"bert.embeddings.token_type_embeddings.weight", {config.segment_types, hidden}});
  add_norm("bert.embeddings.LayerNorm", hidden, specs);
}

EmbeddingWeights embedding_weights(const ParameterSpace& space) {
  return {leaf_named(space, "bert.embeddings.word_embeddings.weight"),
          leaf_named(space, "bert.embeddings.position_embeddings.weight"),
          leaf_named(space, "bert.embeddings.token_type_embeddings.weight"),
          norm_named(space, "bert.embeddings.LayerNorm")};
}

at::Tensor embed(const EmbeddingWeights& weights, const BertConfig& config,
                 const PackedInput& input, const Dropout& dropout) {
  // As in Transformers, looking up the padding token gives its row no gradient.
  const std::int64_t padding =
      config.pad_token_id < config.vocabulary_size ? config.pad_token_id : -1;
  auto sum = at::embedding(weights.words, input.tokens, padding);
  sum = sum + at::embedding(weights.segments, input.segments);
  sum = sum + at::embedding(weights.positions, input.positions);
  const auto normed = layer_norm(weights.norm, sum, config.layer_norm_epsilon);
  return dropout.hidden(normed, kEmbeddingDropout, config.hidden_dropout);
}

}  // namespace bertha
