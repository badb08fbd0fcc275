// How much each class counts in training where some are rare.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data_pipeline/labelled/encoded_example.h"

namespace bertha {

// "balanced": labels / (classes * labels of the class), as scikit-learn weighs; a class that does
// not occur has 1. Their mean over the labels is 1, so the loss keeps its size. "none": empty.
// Error{usage} for another name.
std::vector<double> class_weights(const std::string& name,
                                  const std::vector<EncodedExample>& examples,
                                  std::int64_t classes);

}  // namespace bertha
