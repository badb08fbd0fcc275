// A file of words and labels, read whole.
#include "data_pipeline/tagged_sentences.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "data_pipeline/labelled_json.h"
#include "data_pipeline/table_text.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

struct Line {
  std::uint64_t number;
  std::vector<std::string_view> columns;
};

std::vector<std::string_view> columns_of(std::string_view line, bool tabs_only) {
  std::vector<std::string_view> columns;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_not_of(kBlanks) == std::string_view::npos) return columns;
  const auto separators = tabs_only ? std::string_view("\t") : kBlanks;
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(separators), line.size());
    if (end > 0 || tabs_only) columns.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return columns;
}

std::vector<Line> lines_of(std::string_view text, bool tabs_only) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back({lines.size() + 1, columns_of(text.substr(0, end), tabs_only)});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool looks_like_label(std::string_view column) {
  return column == "O" || (column.size() > 2 && column[1] == '-' &&
                           std::string_view("BIES").find(column[0]) != std::string_view::npos);
}

// What a file to predict holds; see the header.
bool holds_columns(const std::vector<Line>& lines) {
  std::size_t width = 0, together = 0, longest = 0, blanks = 0;
  bool labels = true;
  for (const auto& [number, columns] : lines) {
    if (columns.empty()) {
      blanks += together > 0 ? 1 : 0;
      together = 0;
      continue;
    }
    if (columns.front().starts_with("-DOCSTART-")) return true;
    if (width > 0 && columns.size() != width) return false;
    width = columns.size();
    labels = labels && looks_like_label(columns.back());
    longest = std::max(longest, ++together);
  }
  return width == 1 || (width > 1 && (labels || (blanks > 0 && longest > 1)));
}

class ColumnReader {
 public:
  ColumnReader(const std::string& file, const TaggedOptions& options)
      : file_(file),
        options_(options),
        word_(column_number(options.word_column, "task.text_column").value_or(0)),
        label_(column_number(options.label_column, "task.label_column")) {}

  std::vector<TaggedSentence> read(const std::vector<Line>& lines) const {
    std::vector<TaggedSentence> sentences;
    bool within = false;
    for (const auto& line : lines) {
      const bool ends = line.columns.empty() || line.columns.front().starts_with("-DOCSTART-");
      if (!ends && !within) sentences.push_back({{}, {}, line.number});
      if (!ends) add_word(line, sentences.back());
      within = !ends;
    }
    return sentences;
  }

 private:
  static std::optional<std::size_t> column_number(const std::string& column, const char* option) {
    if (column.empty()) return std::nullopt;
    std::size_t number = 0;
    const auto* end = column.data() + column.size();
    const auto [rest, fault] = std::from_chars(column.data(), end, number);
    if (rest == end && fault == std::errc{}) return number;
    throw Error(ErrorKind::usage,
                fmt::format("{} = '{}': columns of words and labels have numbers, not names",
                            option, excerpt(column)),
                "count from 0");
  }
  void add_word(const Line& line, TaggedSentence& sentence) const {
    sentence.words.emplace_back(column(line, word_));
    if (!options_.labelled) return;
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
  std::string_view column(const Line& line, std::size_t place) const {
    if (place < line.columns.size()) return line.columns[place];
    fail(line,
         fmt::format("{} column(s); there is none with number {}", line.columns.size(), place),
         "columns are counted from 0; a sentence ends with a blank line");
  }
  [[noreturn]] void fail(const Line& line, const std::string& what,
                         const std::string& remedy) const {
    throw Error(ErrorKind::bad_data, fmt::format("{}:{}: {}", file_, line.number, what), remedy);
  }

  const std::string& file_;
  const TaggedOptions& options_;
  std::size_t word_;
  std::optional<std::size_t> label_;
};

std::vector<TaggedSentence> plain_sentences(const std::vector<Line>& lines) {
  std::vector<TaggedSentence> sentences;
  for (const auto& [number, columns] : lines) {
    sentences.push_back({{columns.begin(), columns.end()}, {}, number});
  }
  return sentences;
}

std::vector<TaggedSentence> read_text(const std::string& text, const std::string& file,
                                      const TaggedOptions& options) {
  const auto& delimiter = options.delimiter;
  if (delimiter != "auto" && delimiter != "space" && delimiter != "tab" && delimiter != "lines") {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.delimiter = '{}': expected auto, space, tab, jsonl or lines", delimiter));
  }
  if (options.labelled && delimiter == "lines") {
    throw Error(ErrorKind::usage, "task.delimiter lines has no labels", "it is for predict");
  }
  const auto lines = lines_of(text, delimiter == "tab");
  const bool plain =
      delimiter == "lines" || (delimiter == "auto" && !options.labelled && !holds_columns(lines));
  if (plain) {
    if (delimiter == "auto") log_info(file + ": taken as one sentence a line");
    return plain_sentences(lines);
  }
  if (!options.labelled && delimiter == "auto") {
    log_info(file + ": taken as one word a line, sentences parted by blank lines");
  }
  return ColumnReader(file, options).read(lines);
}

}  // namespace

std::vector<TaggedSentence> read_tagged_file(const std::filesystem::path& path,
                                             const TaggedOptions& options) {
  const auto text = read_text_file(path);
  const auto file = path.string();
  const auto extension = table_extension(path);
  const bool json =
      options.delimiter == "jsonl" ||
      (options.delimiter == "auto" && (extension == ".jsonl" || extension == ".json"));
  auto sentences = json ? read_json_sentences(text, file, options) : read_text(text, file, options);
  if (sentences.empty()) {
    throw Error(ErrorKind::bad_data, fmt::format("{} holds no sentences", file),
                "one word a line with its label, a blank line between sentences");
  }
  return sentences;
}

}  // namespace bertha
