// One post-LN encoder layer in plain ATen: the oracle for fused ones.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/attention.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/dropout.h"
#include "trainer/model/named_weights.h"

namespace bertha {

struct EncoderLayerWeights {
  AttentionWeights attention;
  DenseWeights attention_output;
  NormWeights attention_norm;
  DenseWeights intermediate;
  DenseWeights output;
  NormWeights output_norm;
};

void add_encoder_layer_parameters(const BertConfig& config, std::int64_t layer,
                                  std::vector<ParameterSpec>& specs);
EncoderLayerWeights encoder_layer_weights(const ParameterSpace& space, std::int64_t layer);

// What all layers of a forward pass share. References must outlive it.
struct EncoderContext {
  const BertConfig& config;
  const AttentionLayout& layout;
  const Dropout& dropout;
};
// [T, hidden] -> [T, hidden]
at::Tensor encoder_layer(const EncoderLayerWeights& weights, std::int64_t layer,
                         const at::Tensor& hidden, const EncoderContext& context);

}  // namespace bertha
