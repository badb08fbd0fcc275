// The first row decides what the others hold.
#include "data_pipeline/labelled/table_examples.h"

#include <utility>

#include <fmt/format.h>

#include "parallel/base/log.h"

namespace bertha {

TableExamples::TableExamples(std::shared_ptr<TextLines> lines, TableFormat format,
                             LabelledOptions options)
    : lines_(std::move(lines)), options_(std::move(options)), reader_(*lines_, format) {}

Example TableExamples::blank(std::uint64_t line) const {
  return {"", "", "", line, columns_->pair.has_value()};
}

// Of a file without a header, as far as is known.
Example TableExamples::first_example() {
  auto example = row_example(row_, *columns_, lines_->file());
  if (options_.header != "auto") return example;
  log_info(fmt::format("{}: {}", lines_->file(), taken_columns(*columns_)));
  guess_.emplace(row_, *columns_, options_, lines_->file());
  return example;
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
    if (columns_) {
      auto example = row_example(row_, *columns_, lines_->file());
      if (guess_) guess_->add(row_);
      return example;
    }
    columns_ = find_columns(row_, options_, lines_->file());
    if (columns_->header) {
      blanks_ = 0;
      continue;
    }
    kept_ = first_example();
    return next();
  }
  if (guess_) guess_->end();
  return std::nullopt;
}

}  // namespace bertha
