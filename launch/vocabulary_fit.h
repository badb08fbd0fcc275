// Weights of a model folder against the vocabulary and the tokenizer of what is to be trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// Error{bad_data}: the folder's vocabulary is another one.
void check_vocabulary(const std::filesystem::path& folder, const Vocabulary& ours);

// The corpus' text was made with other settings than the model's: Error{bad_data}, or a warning
// where the vocabulary is changed, too. A folder that says no settings is judged by its vocabulary:
// a warning.
void check_tokenizer(const std::filesystem::path& folder, const Vocabulary& ours,
                     const TokenizerOptions& settings, bool resize);

// May a model whose words have that many rows be trained on `tokens` tokens, leaving the rest out?
// So it may where the folder says that its vocabulary has so many; else up to a multiple of 128.
bool are_padding_rows(const std::filesystem::path& folder, std::int64_t rows, std::int64_t tokens);

// Takes rows behind the last token off the weights by token, if the model has none for them.
void drop_padding_rows(const std::filesystem::path& folder, const Vocabulary& ours,
                       const std::vector<NamedTensor>& destination,
                       std::vector<NamedTensor>& weights);

// Weights by token in the order of our vocabulary; see load_initial_weights.
void resize_vocabulary(const std::filesystem::path& folder, const Vocabulary& ours,
                       const std::vector<NamedTensor>& destination,
                       std::vector<NamedTensor>& weights);

}  // namespace bertha
