// What is said of a tokenizer's settings, and of a vocabulary that does not go with them.
#pragma once

#include <string>

#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// "lower_case true, strip_accents true, chinese_characters true".
std::string settings_text(const TokenizerOptions& options);

// For a vocabulary of which nobody says how its text was made: empty, or why it is hardly for text
// made with `options`. Goes by ASCII letters outside [special tokens]: a cased vocabulary is full
// of capital ones, an uncased one has none.
std::string casing_doubt(const Vocabulary& vocabulary, const TokenizerOptions& options);

}  // namespace bertha
