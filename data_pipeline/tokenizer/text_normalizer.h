// BERT's text normalisation and split into words, exactly as in Hugging Face tokenizers
// (BertNormalizer and BertPreTokenizer). Thread-safe once constructed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/tokenizer_options.h"

namespace bertha {

class CharacterTable;

class TextNormalizer {
 public:
  explicit TextNormalizer(const TokenizerOptions& options);

  struct Words {
    std::string text;                   // normalised, words end to end
    std::vector<std::uint32_t> ends;    // byte offset behind each word in `text`
    std::vector<std::uint32_t> source;  // byte offset in the input where each word begins
    std::vector<std::uint32_t> source_ends;
  };
  // Invalid UTF-8 counts as U+FFFD (which BERT's cleaning drops). `words` is overwritten.
  void split(std::string_view utf8, Words& words) const;

 private:
  const CharacterTable& table_;
};

}  // namespace bertha
