// One pass over the lines of a row, a cell at a time.
#include "data_pipeline/labelled/table_reader.h"

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

void TableReader::fail(std::uint64_t line, const std::string& what) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}:{}: {} (column {}, from 0)", lines_.file(), line, what, column_),
              "write a quote within a quoted cell twice, and quote a cell as a whole; a file "
              "without quoting is --task.delimiter tab");
}

bool TableReader::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n";
}

std::string TableReader::plain_cell() {
  const auto begin = at_;
  while (!at_line_end() && text_[at_] != format_.delimiter) ++at_;
  auto cell = text_.substr(begin, at_ - begin);
  if (at_ == text_.size() && cell.ends_with('\r')) cell.remove_suffix(1);
  return std::string(cell);
}

std::string TableReader::quoted_cell() {
  const auto first_line = line_;
  std::string cell;
  for (++at_;; ++at_) {
    if (at_ == text_.size() && !lines_.extend(text_)) {
      fail(first_line, "a quote is opened here and never closed");
    }
    if (text_[at_] == '"') {
      ++at_;
      if (at_ == text_.size() || text_[at_] != '"') break;
    } else if (text_[at_] == '\n') {
      ++line_;
    }
    cell += text_[at_];
  }
  if (!at_line_end() && text_[at_] != format_.delimiter) {
    fail(line_, "text behind a closing quote");
  }
  return cell;
}

bool TableReader::next(TableRow& row) {
  if (!lines_.next(text_)) return false;
  at_ = 0;
  row.line = line_ = lines_.number();
  row.cells.clear();
  for (column_ = 0;; ++column_) {
    const bool quoted = format_.quotes && at_ < text_.size() && text_[at_] == '"';
    row.cells.push_back(quoted ? quoted_cell() : plain_cell());
    if (at_line_end()) break;
    ++at_;  // the delimiter
  }
  return true;
}

}  // namespace bertha
