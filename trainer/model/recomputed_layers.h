// Reference encoder layers that keep nothing but their input: backward computes them again. Dropout
// is a function of step and sample, so that the second time gives the same bits.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/model/encoder_layer.h"

namespace bertha {

// All layers, [T, hidden] -> [T, hidden]. The last one keeps its activations: backward wants them
// at once.
at::Tensor recomputed_layers(const std::vector<EncoderLayerWeights>& layers,
                             const at::Tensor& hidden, const BertConfig& config,
                             const PackedInput& input, const ForwardContext& context);

}  // namespace bertha
