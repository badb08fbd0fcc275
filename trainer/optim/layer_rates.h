// Learning rates by layer for fine-tuning: lower ones learn less, the lowest perhaps nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "trainer/model/parameter_space.h"

namespace bertha {

struct LayerRates {
  double decay = 1;         // each layer has this times the rate of the one above it; heads have 1
  std::int64_t frozen = 0;  // the embeddings and so many layers from below; 0: nothing
};

// 0: embeddings; n: encoder layer n from below; layers + 1: pooler and heads.
std::int64_t depth_of(std::string_view parameter_name, std::int64_t layers);

// Error{usage}: a decay outside (0, 1], or more frozen layers than there are.
void set_layer_rates(ParameterSpace& space, std::int64_t layers, const LayerRates& rates);

}  // namespace bertha
