// A question and its context as sequences that a model can take, long contexts in overlapping
// windows.
#pragma once

#include <cstddef>
#include <vector>

#include "data_pipeline/labelled/encoded_example.h"
#include "data_pipeline/labelled/question_reader.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct QuestionWindowOptions {
  int max_length = 384;       // tokens of a window, with the special ones
  int max_query_length = 64;  // tokens kept of a question
  int document_stride = 128;  // tokens that a window shares with the one before it
};

// Error{usage}: lengths that hold no question, or a stride below 0.
void check_question_windows(const QuestionWindowOptions& options);

// Tokens that are kept of a question: max_query_length, or less where windows are short.
int most_question_tokens(const QuestionWindowOptions& options);

struct QuestionWindows {
  // [CLS] question [SEP] part of the context [SEP]; origins of the context's tokens are their
  // places in it, with word 0. At least one window, be the context empty.
  std::vector<EncodedExample> windows;
  std::size_t lost_tokens = 0;  // of the question
};

// Where a document_stride would keep windows from moving on, half of their room is shared.
QuestionWindows encode_question(const Question& question, const WordPiece& tokenizer,
                                const QuestionWindowOptions& options, WordPiece::Scratch& scratch);

// labels = first and last token of the answer when the window shows all of it; else both 0, [CLS].
void label_window(EncodedExample& window, const AnswerText& answer);

}  // namespace bertha
