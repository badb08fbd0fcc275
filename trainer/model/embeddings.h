// Sum of word, segment and position embeddings, normalised.
#pragma once

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/dropout.h"
#include "trainer/model/named_weights.h"
#include "trainer/model/packed_input.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

struct EmbeddingWeights {
  at::Tensor words;      // [vocabulary, hidden], also the decoder of the MLM head
  at::Tensor positions;  // [max_positions, hidden]
  at::Tensor segments;   // [segment_types, hidden]
  NormWeights norm;
};

void add_embedding_parameters(const BertConfig& config, std::vector<ParameterSpec>& specs);
EmbeddingWeights embedding_weights(const ParameterSpace& space);

// -> [T, hidden]
at::Tensor embed(const EmbeddingWeights& weights, const BertConfig& config,
                 const PackedInput& input, const Dropout& dropout);

}  // namespace bertha
