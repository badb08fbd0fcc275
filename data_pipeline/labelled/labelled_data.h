// Texts with labels for fine-tuning: TSV, CSV and JSON lines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/labelled/row_source.h"

namespace bertha {

struct LabelledOptions {
  std::string text_column;         // name, or number from 0; empty: "text", or 0 without a header
  std::string pair_column;         // empty: one text
  std::string label_column;        // empty: "label", or 1 without a header
  std::string header = "auto";     // auto | true | false
  std::string delimiter = "auto";  // auto (by extension, then content) | tab | comma | jsonl
  bool regression = false;         // labels are numbers
  bool several = false;            // any number of labels in the column, none too
  bool labelled = true;            // false: prediction input, no label column
};

struct Example {
  std::string text, pair;
  std::string label;      // as in the file; empty without labels
  std::uint64_t row = 0;  // line number in the file, from 1
  bool has_pair = false;  // `pair` is a text, perhaps an empty one
};

// The examples of a file, read as they are asked for. It may be compressed. TSV knows no quoting,
// CSV is RFC 4180. Blank lines are passed over in labelled files; in a table to predict they are
// empty texts, so that every line has its answer. To predict, a file of another extension than
// .tsv, .csv, .jsonl and .json is one text a line. Error{io}; Error{bad_data} names file, line and
// column; lists the columns there are.
RowSource<Example> open_labelled_file(const std::filesystem::path& path,
                                      const LabelledOptions& options);

// "(column label)", for errors; the default is called by its name.
std::string column_note(const std::string& label_column);

// Distinct ones: numeric order when all are integers, else byte order.
std::vector<std::string> distinct_labels(const std::vector<std::string>& labels);

}  // namespace bertha
