// A text, or a pair of texts, as one sequence.
#pragma once

#include "data_pipeline/labelled/encoded_example.h"
#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct EncodedText {
  EncodedExample sequence;      // tokens and segments
  std::size_t lost_tokens = 0;  // cut off to fit
};

// [CLS] text [SEP] (pair [SEP]), cut at the end to max_length as Transformers does (truncation =
// "longest_first"). Error{usage}: a max_length that holds no text.
EncodedText encode_text(const Example& example, const WordPiece& tokenizer, int max_length,
                        WordPiece::Scratch& scratch);

}  // namespace bertha
