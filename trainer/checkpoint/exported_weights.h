// Which of a model's weights a class of Transformers holds, and under which names. Pure.
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

// The class that weights of these names, with or without "bert.", are made for, by their heads.
std::string class_of_names(const std::vector<std::string>& names);

// Transformers' Auto class that opens a folder of this class with all its heads and no more;
// AutoModel for a class it has none for.
std::string auto_class_of(const std::string& architecture);

// Whether an `architecture` of Transformers has all these names as they stand: no NVIDIA's names,
// no gamma and beta, no buffers, "bert." where it belongs.
bool are_names_of_class(const std::string& architecture, const std::vector<std::string>& names);

// Our weights under the names of `architecture`: BertModel's are without "bert.".
std::vector<NamedTensor> with_names_of_class(const std::string& architecture,
                                             std::vector<NamedTensor> weights);

}  // namespace bertha
