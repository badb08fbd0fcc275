// Questions with their contexts and answers: SQuAD's JSON as published, or JSON lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/labelled/row_source.h"

namespace bertha {

struct AnswerText {
  std::string text;
  std::uint32_t begin = 0, end = 0;  // bytes of the context
};

struct Question {
  std::string id;
  std::string text;
  std::shared_ptr<const std::string> context;  // one for all questions of a paragraph
  std::vector<AnswerText> answers;             // empty: the context does not answer it
  std::uint64_t line = 0;                      // in the file, from 1; 0: of SQuAD's document
};

// The questions of a file, which may be compressed: version 1.1 and 2.0 of SQuAD, one document that
// is read whole; or one object a line with question, context, answers and perhaps an id (answers
// also as {"text": [...], "answer_start": [...]}), read as they are asked for. answer_start counts
// code points, as Python does; without `labelled` answers are not looked at. A question without an
// id is called by its number in the file, from 0. Error{bad_data} names the file and the question.
RowSource<Question> open_question_file(const std::filesystem::path& path, bool labelled);

// Code points of valid UTF-8 before byte `place`.
std::size_t characters_before(const std::string& text, std::size_t place);

}  // namespace bertha
