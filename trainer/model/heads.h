// What tasks put on the encoder: pooler, MLM head, and single dense layers.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert.h"
#include "trainer/model/named_weights.h"

namespace bertha {

// A head holds only what its kind has; the rest is undefined.
struct HeadWeights {
  DenseWeights pooler;
  DenseWeights transform;  // MLM
  NormWeights transform_norm;
  at::Tensor decoder_bias;  // [vocabulary]; the decoder's weight is the word embeddings
  DenseWeights next_sentence;
  DenseWeights classifier;
  DenseWeights question;
};

void add_head_parameters(const BertConfig& config, Head head, std::int64_t labels,
                         std::vector<ParameterSpec>& specs);
HeadWeights head_weights(const ParameterSpace& space, Head head);

}  // namespace bertha
