// Self-attention of each sequence with itself. The only place where sequences are padded.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "trainer/model/bert_config.h"
#include "trainer/model/dropout.h"
#include "trainer/model/named_weights.h"
#include "trainer/model/packed_input.h"

namespace bertha {

struct AttentionWeights {
  DenseWeights query, key, value;
};

// `prefix`: "bert.encoder.layer.0.attention.self". Query, key and value stand next to each other,
// weights before biases: one matrix where sizes are multiples of kParameterAlignment.
void add_attention_parameters(const BertConfig& config, const std::string& prefix,
                              std::vector<ParameterSpec>& specs);
AttentionWeights attention_weights(const ParameterSpace& space, const std::string& prefix);

// How the packed tokens lie in a padded [B, L] grid; made once for all layers.
struct AttentionLayout {
  std::int64_t sequences = 0, longest = 0;
  at::Tensor slots;  // [T] int64, place of each token in the grid; undefined: nothing is padded
  at::Tensor mask;   // [B, 1, 1, L] 0 or -infinity; undefined: nothing is padded
};
AttentionLayout attention_layout(const PackedInput& input, at::ScalarType type);

// What attention needs to know beside weights and values.
struct AttentionSettings {
  std::int64_t heads;
  double dropout_rate;
  std::uint32_t dropout_site;
};
// [T, hidden] -> [T, hidden], before the output projection.
at::Tensor attend(const AttentionWeights& weights, const at::Tensor& hidden,
                  const AttentionLayout& layout, const AttentionSettings& settings,
                  const Dropout& dropout);

}  // namespace bertha
