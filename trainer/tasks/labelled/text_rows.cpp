// What classification, multi-label classification and regression share.
#include "trainer/tasks/labelled/text_rows.h"

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_encoding.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"

namespace bertha {

LabelledOptions text_options(const TaskOptions& options, bool labelled) {
  LabelledOptions text;
  text.text_column = options.text_column;
  text.pair_column = options.pair_column;
  text.label_column = options.label_column;
  text.header = options.header;
  text.delimiter = options.delimiter;
  text.labelled = labelled;
  return text;
}

std::size_t bytes_of_text(const Example& row) {
  return row.text.size() + row.pair.size();
}

std::string line_of(const Example& row) {
  return std::to_string(row.row);
}

EncodedRow encode_text_row(const Example& row, const RowEncoding& encoding,
                           WordPiece::Scratch& scratch) {
  auto [sequence, lost_tokens] =
      encode_text(row, encoding.tokenizer, encoding.options.max_length, scratch);
  return {{std::move(sequence)}, lost_tokens};
}

void throw_bad_label(const Example& row, const std::string& label, const RowEncoding& encoding,
                     const std::string& what, const std::string& remedy) {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}:{}: label '{}' {} {}", encoding.file, row.row, excerpt(label), what,
                          column_note(encoding.options.label_column)),
              remedy);
}

void throw_unknown_label(const Example& row, const std::string& label,
                         const RowEncoding& encoding) {
  throw_bad_label(row, label, encoding, "is none of the labels the model is trained for",
                  unknown_label_remedy(encoding.labels.all()));
}

std::vector<double> output_row(const at::Tensor& outputs) {
  const auto* values = outputs.data_ptr<float>();
  return {values, values + outputs.numel()};
}

std::string text_of(const Example& row) {
  return row.has_pair ? row.text + " | " + row.pair : row.text;
}

}  // namespace bertha
