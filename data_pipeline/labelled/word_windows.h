// Sentences of words as sequences that a model can take, long ones in overlapping windows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data_pipeline/labelled/encoded_example.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct WordWindows {
  // [CLS] pieces [SEP]. origins[i].word is the word's number at its first piece, in the one window
  // that answers for the word (the one that shows more around it); -1 elsewhere. No windows for a
  // sentence of which the tokenizer leaves nothing.
  std::vector<EncodedExample> windows;
  std::size_t lost_tokens = 0;  // of words that alone are longer than a window
};

// Words are tokenized one by one, as Transformers does with is_split_into_words. Windows share a
// quarter of their length. Error{usage}: a max_length that holds no word.
WordWindows encode_words(const std::vector<std::string>& words, const WordPiece& tokenizer,
                         int max_length, WordPiece::Scratch& scratch);

}  // namespace bertha
