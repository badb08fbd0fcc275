// How much each class, or each label's presence, counts in training where some are rare.
#pragma once

#include <string>
#include <vector>

#include "data_pipeline/labelled/encoded_example.h"

namespace bertha {

// `setting` is task.class_weights; `labels` are the model's names, in order.
// "none": empty. Weights above 0: numbers parted by commas, one for each label in order ("1,3"), or
// by name ("yes:3"), where labels that are not named have 1. Error{usage} tells the labels in
// order.
// "balanced": labels / (classes * labels of the class), as scikit-learn weighs; a class that does
// not occur has 1. Their mean over the labels is 1, so the loss keeps its size.
std::vector<double> class_weights(const std::string& setting,
                                  const std::vector<EncodedExample>& examples,
                                  const std::vector<std::string>& labels);

// The same of several labels, each a decision of its own: torch's pos_weight, by which the loss of
// an example that has the label is multiplied. "balanced": examples without the label / examples
// with it; 1 where there are none of either.
std::vector<double> positive_weights(const std::string& setting,
                                     const std::vector<EncodedExample>& examples,
                                     const std::vector<std::string>& labels);

}  // namespace bertha
