// Names of weights in other people's BERT files, turned into ours. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// Our name ("bert.encoder.layer.0...", "cls...", "classifier...") for a name of Transformers or
// NVIDIA's BERT; nothing for buffers that are no weights.
std::optional<std::string> our_weight_name(const std::string& name);

// Of the masked-word head's decoder, by our names: what its weight and bias are copies of.
std::optional<std::string> original_of_copy(const std::string& our_name);

// Renames all, and settles the decoder of the masked-word head, whose weight and bias are copies of
// the word embeddings and of cls.predictions.bias: copies are dropped, with a warning where they
// differ; a copy whose original is missing takes its place. Error{bad_data} when two weights of
// `source` get the same name.
std::vector<NamedTensor> with_our_names(std::vector<NamedTensor> weights,
                                        const std::string& source);

// The same for names alone.
std::vector<std::string> with_our_names(const std::vector<std::string>& names);

}  // namespace bertha
