// Which columns of a table hold text, second text and label, and whether its first row is a header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/table_reader.h"

namespace bertha {

struct TableColumns {
  bool header = false;
  std::size_t text = 0;
  std::optional<std::size_t> pair, label;
  std::size_t width = 0;  // columns of the first row
};

// "auto": a header is there when a column is asked for by name, or when the first row has a cell
// "text" or "label". Names are compared without case and blanks around them where none is equal.
// Error{usage} for options that contradict each other; Error{bad_data} for a column that is not
// there lists those that are.
TableColumns find_columns(const TableRow& first_row, const LabelledOptions& options,
                          const std::string& file);

// For the log: "no header; column 0 is the text, ..."
std::string taken_columns(const TableColumns& columns);

// The cells of a row that were asked for. Error{bad_data}: "file:line: ..." for a row with too few
// columns, or with more than the first row (a delimiter within a text).
Example row_example(const TableRow& row, const TableColumns& columns, const std::string& file);

}  // namespace bertha
