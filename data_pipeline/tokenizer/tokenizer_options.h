// The settings of a BERT tokenizer, as in a Hugging Face tokenizer_config.json.
#pragma once

namespace bertha {

struct TokenizerOptions {
  bool lower_case = true;
  bool strip_accents = true;       // Transformers' default: the same as lower_case
  bool chinese_characters = true;  // every CJK ideograph is a word
  bool operator==(const TokenizerOptions&) const = default;
};

}  // namespace bertha
