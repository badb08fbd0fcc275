// Rows of tasks whose input is a text, or a pair of texts, in a table or JSON lines.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/labelled/labelled_data.h"
#include "trainer/tasks/labelled/task_rows.h"

namespace bertha {

LabelledOptions text_options(const TaskOptions& options, bool labelled);

std::size_t bytes_of_text(const Example& row);
std::string line_of(const Example& row);

// One sequence without anything to learn; the task adds that.
EncodedRow encode_text_row(const Example& row, const RowEncoding& encoding,
                           WordPiece::Scratch& scratch);

// Error{bad_data}: "file:line: label 'x' <what> (column y)".
[[noreturn]] void throw_bad_label(const Example& row, const std::string& label,
                                  const RowEncoding& encoding, const std::string& what,
                                  const std::string& remedy);

// The same of a label that is none of the model's.
[[noreturn]] void throw_unknown_label(const Example& row, const std::string& label,
                                      const RowEncoding& encoding);

// The one row of outputs of a sequence head.
std::vector<double> output_row(const at::Tensor& outputs);

// The text, and the pair behind it, on one line.
std::string text_of(const Example& row);

}  // namespace bertha
