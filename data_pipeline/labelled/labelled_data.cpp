// Reads a file of examples in whichever format it is, and checks its labels.
#include "data_pipeline/labelled/labelled_data.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_json.h"
#include "data_pipeline/labelled/labelled_value.h"
#include "data_pipeline/labelled/table_examples.h"
#include "data_pipeline/labelled/table_reader.h"
#include "data_pipeline/labelled/table_text.h"
#include "data_pipeline/labelled/text_lines.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

enum class Layout { tab, comma, jsonl, lines };

Layout sniff(TextLines& lines) {
  const auto line = first_line(lines, "\r\n");
  if (line.starts_with('{')) return Layout::jsonl;
  const bool tabs = line.find('\t') != std::string_view::npos;
  return !tabs && line.find(',') != std::string_view::npos ? Layout::comma : Layout::tab;
}

Layout layout_of(const std::filesystem::path& path, TextLines& lines,
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
  return sniff(lines);
}

RowSource<Example> table_examples(std::shared_ptr<TextLines> lines, TableFormat format,
                                  const LabelledOptions& options) {
  const auto table = std::make_shared<TableExamples>(std::move(lines), format, options);
  return [table] { return table->next(); };
}

RowSource<Example> text_a_line(std::shared_ptr<TextLines> lines) {
  return [lines = std::move(lines)]() -> std::optional<Example> {
    std::string_view line;
    if (!lines->next(line)) return std::nullopt;
    return Example{std::string(without_line_end(line)), "", "", lines->number(), false};
  };
}

RowSource<Example> unchecked_examples(const std::filesystem::path& path,
                                      const LabelledOptions& options) {
  const auto lines = std::make_shared<TextLines>(path);
  switch (layout_of(path, *lines, options)) {
    case Layout::tab:
      return table_examples(lines, {'\t', false}, options);
    case Layout::comma:
      return table_examples(lines, {',', true}, options);
    case Layout::jsonl:
      return json_examples(lines, options);
    case Layout::lines:
      return text_a_line(lines);
  }
  throw Error(ErrorKind::internal, path.string() + ": unknown layout");
}

// Without the blanks around it.
void check_label(Example& example, const std::string& file, const LabelledOptions& options) {
  auto& label = example.label;
  label = std::string(trimmed(label));
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

std::optional<std::int64_t> parse_integer(const std::string& label) {
  std::int64_t value = 0;
  const auto* end = label.data() + label.size();
  const auto [rest, fault] = std::from_chars(label.data(), end, value);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  return value;
}

}  // namespace

RowSource<Example> open_labelled_file(const std::filesystem::path& path,
                                      const LabelledOptions& options) {
  auto examples =
      at_least_one(unchecked_examples(path, options),
                   Error(ErrorKind::bad_data, fmt::format("{} holds no examples", path.string()),
                         "it is empty, or has a header and nothing else"));
  if (!options.labelled || options.several) return examples;
  return [next = std::move(examples), file = path.string(), options] {
    auto example = next();
    if (example) check_label(*example, file, options);
    return example;
  };
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
