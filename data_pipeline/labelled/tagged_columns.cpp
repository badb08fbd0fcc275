// CoNLL: a word a line, and what tells it from plain text.
#include "data_pipeline/labelled/tagged_columns.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "data_pipeline/labelled/text_lines.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

bool begins_document(const Columns& columns) {
  return columns.front().starts_with("-DOCSTART-");
}

bool looks_like_label(std::string_view column) {
  return column == "O" || (column.size() > 2 && column[1] == '-' &&
                           std::string_view("BIES").find(column[0]) != std::string_view::npos);
}

std::optional<std::size_t> column_number(const std::string& column, const char* option) {
  if (column.empty()) return std::nullopt;
  std::size_t number = 0;
  const auto* end = column.data() + column.size();
  const auto [rest, fault] = std::from_chars(column.data(), end, number);
  if (rest == end && fault == std::errc{}) return number;
  throw Error(ErrorKind::usage,
              fmt::format("{} = '{}': columns of words and labels have numbers, not names", option,
                          excerpt(column)),
              "count from 0");
}

}  // namespace

Columns columns_of(std::string_view line, bool tabs_only) {
  Columns columns;
  line = without_line_end(line);
  if (line.find_first_not_of(kBlanks) == std::string_view::npos) return columns;
  const auto separators = tabs_only ? std::string_view("\t") : kBlanks;
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(separators), line.size());
    if (end > 0 || tabs_only) columns.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return columns;
}

bool may_be_comment(std::string_view line) {
  return line.starts_with("# ");
}

void ColumnGuess::add(std::string_view line, bool tabs_only) {
  if (together_ > 0 || !may_be_comment(line)) return add(columns_of(line, tabs_only));
  comments_ = true;
}

void ColumnGuess::add(const Columns& columns) {
  if (certain_) return;
  if (columns.empty()) {
    blanks_ += together_ > 0 ? 1 : 0;
    together_ = 0;
    return;
  }
  if (begins_document(columns)) {
    certain_ = true;
    return;
  }
  if (width_ > 0 && columns.size() != width_) {
    certain_ = false;
    return;
  }
  width_ = columns.size();
  labels_ = labels_ && looks_like_label(columns.back());
  longest_ = std::max(longest_, ++together_);
}

bool ColumnGuess::likely() const {
  if (certain_) return *certain_;
  return (width_ == 1 && !comments_) || (width_ > 1 && (labels_ || (blanks_ > 0 && longest_ > 1)));
}

ColumnSentences::ColumnSentences(std::string file, const TaggedOptions& options)
    : file_(std::move(file)),
      labelled_(options.labelled),
      word_(column_number(options.word_column, "task.text_column").value_or(0)),
      label_(column_number(options.label_column, "task.label_column")) {}

bool ColumnSentences::add(std::uint64_t line, const Columns& columns,
                          TaggedSentence& sentence) const {
  if (columns.empty() || begins_document(columns)) return true;
  add_word({line, columns}, sentence);
  return false;
}

void ColumnSentences::add_word(const Line& line, TaggedSentence& sentence) const {
  sentence.words.emplace_back(column(line, word_));
  if (!labelled_) return;
  const auto place = label_.value_or(line.columns.size() - 1);
  if (place == word_) {
    fail(line, fmt::format("a word without a label (column {}, from 0)", place),
         "each line has a word and a label, parted by blanks or a tab");
  }
  sentence.labels.emplace_back(column(line, place));
  if (sentence.labels.back().empty()) {
    fail(line, fmt::format("the label is empty (column {}, from 0)", place),
         "give the word one; O where it belongs to nothing");
  }
}

std::string_view ColumnSentences::column(const Line& line, std::size_t place) const {
  if (place < line.columns.size()) return line.columns[place];
  fail(line, fmt::format("{} column(s); there is none with number {}", line.columns.size(), place),
       "columns are counted from 0; a sentence ends with a blank line");
}

void ColumnSentences::fail(const Line& line, const std::string& what,
                           const std::string& remedy) const {
  throw Error(ErrorKind::bad_data, fmt::format("{}:{}: {}", file_, line.number, what), remedy);
}

}  // namespace bertha
