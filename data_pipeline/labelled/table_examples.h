// Examples out of the rows of a table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "data_pipeline/labelled/header_guess.h"
#include "data_pipeline/labelled/labelled_data.h"
#include "data_pipeline/labelled/table_columns.h"
#include "data_pipeline/labelled/table_reader.h"
#include "data_pipeline/labelled/text_lines.h"

namespace bertha {

// Columns are found in the first row that is not blank. Blank ones are passed over when there are
// labels; to predict, they are empty texts. Error{bad_data} for a first row that was not taken for
// a header and looks like one (header_guess.h).
class TableExamples {
 public:
  TableExamples(std::shared_ptr<TextLines> lines, TableFormat format, LabelledOptions options);
  std::optional<Example> next();

 private:
  Example blank(std::uint64_t line) const;
  Example first_example();

  std::shared_ptr<TextLines> lines_;
  LabelledOptions options_;
  TableReader reader_;
  std::optional<TableColumns> columns_;
  std::optional<HeaderGuess> guess_;
  // Rows 1 to `blanks_` are blank and come before the first that is not, which is then kept.
  std::uint64_t blanks_ = 0, blanks_given_ = 0;
  std::optional<Example> kept_;
  TableRow row_;
};

}  // namespace bertha
