// Rows of TSV (no quoting) and CSV (RFC 4180: quotes, doubled quotes, line ends within quotes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/labelled/text_lines.h"

namespace bertha {

struct TableRow {
  std::uint64_t line = 0;  // where it begins in the file, from 1
  std::vector<std::string> cells;

  bool blank() const { return cells.size() == 1 && cells.front().empty(); }
};

struct TableFormat {
  char delimiter = '\t';
  bool quotes = false;
};

class TableReader {
 public:
  // `lines` must outlive the reader.
  TableReader(TextLines& lines, TableFormat format) : lines_(lines), format_(format) {}
  // False at the end. Lines end at "\n" or "\r\n". Error{bad_data}: "file:line: ..." with the
  // column, for a quote that is never closed or that text follows.
  bool next(TableRow& row);

 private:
  std::string plain_cell();
  std::string quoted_cell();
  bool at_line_end() const;
  [[noreturn]] void fail(std::uint64_t line, const std::string& what) const;

  TextLines& lines_;
  TableFormat format_;
  std::string_view text_;  // of the row, as far as it is read
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  std::size_t column_ = 0;
};

}  // namespace bertha
