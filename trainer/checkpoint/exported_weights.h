// Which of a model's weights a class of Transformers holds. Pure.
#pragma once

#include <string>
#include <vector>

#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// Those of BertModel (without the prefix "bert."), BertForMaskedLM, BertForNextSentencePrediction
// or BertForPreTraining, as its save_pretrained names them. Error{bad_data}: the model lacks one of
// its heads; Error{internal}: another class.
std::vector<NamedTensor> weights_of_class(const std::string& architecture,
                                          const std::vector<NamedTensor>& weights);

}  // namespace bertha
