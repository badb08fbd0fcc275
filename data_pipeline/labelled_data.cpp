// Reads a file of examples in whichever format it is, and checks its labels.
#include "data_pipeline/labelled_data.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled_json.h"
#include "data_pipeline/labelled_value.h"
#include "data_pipeline/table_columns.h"
#include "data_pipeline/table_reader.h"
#include "data_pipeline/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

enum class Layout { tab, comma, jsonl, lines };

Layout sniff(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  const auto line = text.substr(0, text.find('\n'));
  if (line.starts_with('{')) return Layout::jsonl;
  const bool tabs = line.find('\t') != std::string_view::npos;
  return !tabs && line.find(',') != std::string_view::npos ? Layout::comma : Layout::tab;
}

Layout layout_of(const std::filesystem::path& path, std::string_view text,
                 const LabelledOptions& options) {
  if (options.delimiter == "tab") return Layout::tab;
  if (options.delimiter == "comma") return Layout::comma;
  if (options.delimiter == "jsonl") return Layout::jsonl;
  if (options.delimiter != "auto") {
    throw Error(ErrorKind::usage,
                fmt::format("task.delimiter = '{}': expected auto, tab, comma or jsonl",
                            options.delimiter));
  }
  const auto extension = table_extension(path);
  if (extension == ".tsv") return Layout::tab;
  if (extension == ".csv") return Layout::comma;
  if (extension == ".jsonl" || extension == ".json") return Layout::jsonl;
  if (!options.labelled && options.pair_column.empty()) return Layout::lines;
  return sniff(text);
}

std::vector<Example> read_table(std::string_view text, const std::string& file, TableFormat format,
                                const LabelledOptions& options) {
  TableReader reader(text, file, format);
  std::vector<Example> examples;
  std::optional<TableColumns> columns;
  TableRow row;
  std::vector<std::uint64_t> blank_lines;  // before the columns are known
  const auto add_blank = [&](std::uint64_t line) {
    examples.push_back({"", "", "", line, columns->pair.has_value()});
  };
  while (reader.next(row)) {
    if (row.blank()) {
      if (options.labelled) continue;
      if (columns) {
        add_blank(row.line);
      } else {
        blank_lines.push_back(row.line);
      }
      continue;
    }
    if (!columns) {
      columns = find_columns(row, options, file);
      if (!columns->header) std::for_each(blank_lines.begin(), blank_lines.end(), add_blank);
      if (columns->header) continue;
    }
    examples.push_back(row_example(row, *columns, file));
  }
  return examples;
}

std::vector<Example> read_lines(std::string_view text) {
  std::vector<Example> examples;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    examples.push_back({std::string(line), "", "", examples.size() + 1, false});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return examples;
}

void check_labels(std::vector<Example>& examples, const std::string& file,
                  const LabelledOptions& options) {
  constexpr std::string_view kBlanks = " \t\r\n";
  for (auto& example : examples) {
    auto& label = example.label;
    label.erase(label.find_last_not_of(kBlanks) + 1);
    label.erase(0, std::min(label.find_first_not_of(kBlanks), label.size()));
    if (label.empty()) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}:{}: the label is empty {}", file, example.row,
                              column_note(options.label_column)),
                  "give it one or take the row out; a file without labels is for predict");
    }
    if (options.regression && !parse_regression_label(label)) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}:{}: label '{}' is not a finite number {}", file, example.row,
                              excerpt(label), column_note(options.label_column)),
                  "regression needs numbers; classes are --task.name classification");
    }
  }
}

std::optional<std::int64_t> parse_integer(const std::string& label) {
  std::int64_t value = 0;
  const auto* end = label.data() + label.size();
  const auto [rest, fault] = std::from_chars(label.data(), end, value);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  return value;
}

}  // namespace

std::vector<Example> read_labelled_file(const std::filesystem::path& path,
                                        const LabelledOptions& options) {
  const auto text = read_text_file(path);
  const auto file = path.string();
  std::vector<Example> examples;
  switch (layout_of(path, text, options)) {
    case Layout::tab:
      examples = read_table(text, file, {'\t', false}, options);
      break;
    case Layout::comma:
      examples = read_table(text, file, {',', true}, options);
      break;
    case Layout::jsonl:
      examples = read_json_examples(text, file, options);
      break;
    case Layout::lines:
      examples = read_lines(text);
      break;
  }
  if (examples.empty()) {
    throw Error(ErrorKind::bad_data, fmt::format("{} holds no examples", file),
                "it is empty, or has a header and nothing else");
  }
  if (options.labelled && !options.several) check_labels(examples, file, options);
  return examples;
}

std::string column_note(const std::string& label_column) {
  return fmt::format("(column {})", label_column.empty() ? "label" : excerpt(label_column));
}

std::vector<std::string> distinct_labels(const std::vector<std::string>& labels) {
  const std::set<std::string> distinct(labels.begin(), labels.end());
  std::vector<std::string> sorted(distinct.begin(), distinct.end());
  if (std::all_of(sorted.begin(), sorted.end(), parse_integer)) {
    std::stable_sort(sorted.begin(), sorted.end(), [](const std::string& a, const std::string& b) {
      return *parse_integer(a) < *parse_integer(b);
    });
  }
  return sorted;
}

}  // namespace bertha
