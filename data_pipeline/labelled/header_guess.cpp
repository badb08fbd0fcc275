// Compares the first row with those below it.
#include "data_pipeline/labelled/header_guess.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_value.h"
#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::size_t kLongestName = 40;
constexpr std::size_t kRowsForLabels = 4, kRowsForNumbers = 2;
constexpr std::size_t kRowsToPredict = 8;  // before anything is predicted

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80U;
}

// One word as columns are called: "review", "gold_label", "Text", "заглавие".
bool is_name(std::string_view cell) {
  cell = trimmed(cell);
  return !cell.empty() && cell.size() <= kLongestName && is_letter(cell.front()) &&
         std::all_of(cell.begin(), cell.end(), [](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

bool is_number(std::string_view cell) {
  return parse_regression_label(trimmed(cell)).has_value();
}

// As it is written in a shell.
std::string in_shell(std::string_view name) {
  name = trimmed(name);
  return is_name(name) ? std::string(name) : "'" + excerpt(name) + "'";
}

}  // namespace

HeaderGuess::HeaderGuess(const TableRow& first_row, const TableColumns& columns,
                         const LabelledOptions& options, std::string file)
    : first_(first_row), columns_(columns), options_(options), file_(std::move(file)) {
  const auto& cells = first_.cells;
  names_ = cells.size() > 1 && std::all_of(cells.begin(), cells.end(), is_name);
  const auto label = columns_.label ? trimmed(cells[*columns_.label]) : std::string_view();
  number_labels_ = !label.empty() && is_letter(label.front());
  numbers_.assign(cells.size(), true);
  bytes_.assign(cells.size(), 0);
  possible_ = names_ || number_labels_;
  if (options_.regression && number_labels_) {
    fail(fmt::format("'{}' is not a finite number {}", excerpt(label),
                     column_note(options_.label_column)));
  }
}

void HeaderGuess::add(const TableRow& row) {
  if (!possible_) return;
  ++rows_;
  const auto width = std::min(row.cells.size(), numbers_.size());
  for (std::size_t i = 0; i < width; ++i) {
    numbers_[i] = numbers_[i] && is_number(row.cells[i]);
    bytes_[i] += row.cells[i].size();
  }
  if (!columns_.label) {
    if (rows_ == kRowsToPredict) {
      end();
      possible_ = false;
    }
    return;
  }
  const auto label = trimmed(row.cells[*columns_.label]),
             first = trimmed(first_.cells[*columns_.label]);
  number_labels_ = number_labels_ && is_number(label);
  // Of several labels in a cell each is looked at.
  possible_ = options_.several ? label.find(first) == std::string_view::npos : label != first;
  possible_ = possible_ && (names_ || number_labels_);
  name_texts_ += is_name(row.cells[columns_.text]) ? 1 : 0;
}

std::optional<std::string> HeaderGuess::numbers_below() const {
  if (!names_) return std::nullopt;
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    if (numbers_[i]) {
      return fmt::format("below '{}' there are numbers (column {}, from 0)",
                         excerpt(first_.cells[i]), i);
    }
  }
  return std::nullopt;
}

void HeaderGuess::end() const {
  if (!possible_) return;
  if (rows_ >= kRowsForNumbers) {
    if (const auto why = numbers_below()) fail(*why);
  }
  if (!columns_.label || rows_ < kRowsForLabels) return;
  const auto label = excerpt(trimmed(first_.cells[*columns_.label]));
  if (number_labels_) fail(fmt::format("label '{}' is no number, and all below are", label));
  if (names_ && 2 * name_texts_ < rows_) {
    fail(fmt::format("each cell is one word, label '{}' is nowhere else", label));
  }
}

void HeaderGuess::fail(const std::string& why) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}:{}: the first row seems to name the columns ({}): {}", file_,
                          first_.line, excerpt_list(first_.cells), why),
              remedy());
}

// The text is likely where most is written, the label in the last column besides.
std::string HeaderGuess::remedy() const {
  const std::string otherwise =
      options_.regression ? "; regression needs numbers, classes are --task.name classification"
                          : "; if it is data, --task.header false";
  const auto& given = options_;
  if (!given.text_column.empty() || !given.pair_column.empty() || !given.label_column.empty()) {
    return "--task.header true, with the columns' numbers as they are" + otherwise;
  }
  const auto text = rows_ == 0
                        ? columns_.text
                        : static_cast<std::size_t>(std::max_element(bytes_.begin(), bytes_.end()) -
                                                   bytes_.begin());
  auto remedy = "--task.header true --task.text_column " + in_shell(first_.cells[text]);
  if (options_.labelled) {
    const auto last = first_.cells.size() - 1;
    remedy += " --task.label_column " + in_shell(first_.cells[text == last ? last - 1 : last]);
  }
  return remedy + otherwise;
}

}  // namespace bertha
