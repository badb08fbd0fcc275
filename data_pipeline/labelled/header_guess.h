// Whether a first row that was taken for data looks like the names of columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/table_columns.h"
#include "data_pipeline/labelled/table_reader.h"

namespace bertha {

// For tables whose header was to be found out (task.header auto) and was not: nothing in the first
// row is called text or label. It looks like a header all the same when no label below equals its
// label, and one of these holds:
// - its label is no number where all below are (regression: at once, since it cannot be learnt);
// - all its cells are names (one word each that begins with a letter), and a column holds a name
//   there and numbers below;
// - all its cells are names, four rows or more follow, and of most of them the text is no name.
// To predict, where no label tells, only numbers below a name count.
class HeaderGuess {
 public:
  HeaderGuess(const TableRow& first_row, const TableColumns& columns,
              const LabelledOptions& options, std::string file);

  // Error{bad_data} as soon as it is sure; labels are sure at the end only.
  void add(const TableRow& row);
  void end() const;

 private:
  std::optional<std::string> numbers_below() const;
  [[noreturn]] void fail(const std::string& why) const;
  std::string remedy() const;

  TableRow first_;
  TableColumns columns_;
  LabelledOptions options_;
  std::string file_;
  bool possible_ = true, names_ = true, number_labels_ = true;
  std::vector<bool> numbers_;              // by column: all cells below so far
  std::vector<std::size_t> bytes_;         // by column, of the cells below
  std::size_t rows_ = 0, name_texts_ = 0;  // below
};

}  // namespace bertha
