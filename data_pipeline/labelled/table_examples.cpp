// The first row decides what the others hold.
#include "data_pipeline/labelled/table_examples.h"

#include <utility>

namespace bertha {

TableExamples::TableExamples(std::shared_ptr<TextLines> lines, TableFormat format,
                             LabelledOptions options)
    : lines_(std::move(lines)), options_(std::move(options)), reader_(*lines_, format) {}

Example TableExamples::blank(std::uint64_t line) const {
  return {"", "", "", line, columns_->pair.has_value()};
}

std::optional<Example> TableExamples::next() {
  if (blanks_given_ < blanks_) return blank(++blanks_given_);
  if (kept_) return std::exchange(kept_, std::nullopt);
  while (reader_.next(row_)) {
    if (row_.blank()) {
      if (options_.labelled) continue;
      if (columns_) return blank(row_.line);
      ++blanks_;
      continue;
    }
    if (columns_) return row_example(row_, *columns_, lines_->file());
    columns_ = find_columns(row_, options_, lines_->file());
    if (columns_->header) {
      blanks_ = 0;
      continue;
    }
    kept_ = row_example(row_, *columns_, lines_->file());
    return next();
  }
  return std::nullopt;
}

}  // namespace bertha
