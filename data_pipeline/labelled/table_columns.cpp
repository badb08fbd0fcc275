// Names and numbers of columns.
#include "data_pipeline/labelled/table_columns.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "data_pipeline/labelled/table_text.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::string_view kText = "text", kLabel = "label";

// What the user or the default asks for: an option's name and its value.
struct Request {
  const char* option;
  std::string column;
};

std::optional<std::size_t> column_number(const std::string& column) {
  std::size_t number = 0;
  const auto* end = column.data() + column.size();
  const auto [rest, fault] = std::from_chars(column.data(), end, number);
  if (column.empty() || rest != end || fault != std::errc{}) return std::nullopt;
  return number;
}

bool is_name(const std::string& column) {
  return !column.empty() && !column_number(column);
}

// "Label" and " label" for "label".
bool same_name(std::string_view cell, std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  cell = trimmed(cell);
  name = trimmed(name);
  return std::equal(cell.begin(), cell.end(), name.begin(), name.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

bool has_header(const TableRow& first_row, const LabelledOptions& options) {
  const bool named = is_name(options.text_column) || is_name(options.pair_column) ||
                     (options.labelled && is_name(options.label_column));
  if (options.header == "true") return true;
  if (options.header == "false") {
    if (!named) return false;
    throw Error(ErrorKind::usage, "a column is asked for by name, but task.header is false",
                "give its number, counted from 0, or --task.header true");
  }
  if (options.header != "auto") {
    throw Error(ErrorKind::usage,
                fmt::format("task.header = '{}': expected auto, true or false", options.header));
  }
  const auto& cells = first_row.cells;
  return named || std::any_of(cells.begin(), cells.end(), [](const std::string& cell) {
           return same_name(cell, kText) || same_name(cell, kLabel);
         });
}

std::size_t find_column(const Request& request, const TableRow& first_row, bool header,
                        const std::string& file) {
  const auto& cells = first_row.cells;
  if (header) {
    const bool exact = std::find(cells.begin(), cells.end(), request.column) != cells.end();
    const auto wanted = [&](const std::string& cell) {
      return exact ? cell == request.column : same_name(cell, request.column);
    };
    if (std::count_if(cells.begin(), cells.end(), wanted) > 1) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{}:{}: more than one column is named '{}'", file, first_row.line,
                              excerpt(request.column)),
                  fmt::format("say which by its number from 0: --{}", request.option));
    }
    const auto found = std::find_if(cells.begin(), cells.end(), wanted);
    if (found != cells.end()) return static_cast<std::size_t>(found - cells.begin());
  }
  const auto number = column_number(request.column);
  if (number && *number < cells.size()) return *number;
  const auto there = header ? "the columns are: " + excerpt_list(cells)
                            : fmt::format("the first row has {} column(s)", cells.size());
  throw Error(ErrorKind::bad_data,
              fmt::format("{}:{}: no column '{}'; {}", file, first_row.line, request.column, there),
              fmt::format("name the right one, or its number from 0: --{}", request.option));
}

}  // namespace

TableColumns find_columns(const TableRow& first_row, const LabelledOptions& options,
                          const std::string& file) {
  TableColumns columns;
  columns.header = has_header(first_row, options);
  columns.width = first_row.cells.size();
  const auto column = [&](const char* option, const std::string& given, std::string_view name,
                          const char* number) {
    const auto fallback = columns.header ? std::string(name) : std::string(number);
    return find_column({option, given.empty() ? fallback : given}, first_row, columns.header, file);
  };
  columns.text = column("task.text_column", options.text_column, kText, "0");
  if (!options.pair_column.empty()) {
    columns.pair = column("task.pair_column", options.pair_column, "", "");
  }
  if (options.labelled)
    columns.label = column("task.label_column", options.label_column, kLabel, "1");
  if (columns.text == columns.label || columns.pair == columns.text ||
      (columns.pair && columns.pair == columns.label)) {
    throw Error(ErrorKind::usage,
                "task.text_column, task.pair_column and task.label_column are not all different",
                "give each its column; without a header the label is column 1 unless you say so");
  }
  return columns;
}

std::string taken_columns(const TableColumns& columns) {
  auto taken = fmt::format("no header; column {} is the text", columns.text);
  if (columns.pair) taken += fmt::format(", {} the second text", *columns.pair);
  if (columns.label) taken += fmt::format(", {} the label", *columns.label);
  return taken + " (from 0), the first row is data (else --task.header true)";
}

Example row_example(const TableRow& row, const TableColumns& columns, const std::string& file) {
  const auto last = std::max({columns.text, columns.pair.value_or(0), columns.label.value_or(0)});
  if (row.cells.size() <= last || row.cells.size() > columns.width) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}:{}: {} column(s) where {}", file, row.line, row.cells.size(),
                            row.cells.size() > columns.width
                                ? fmt::format("the first row has {}", columns.width)
                                : fmt::format("{} are needed", last + 1)),
                "mend the row; a delimiter within a text needs CSV with quotes, or JSON lines");
  }
  Example example;
  example.text = row.cells[columns.text];
  example.has_pair = columns.pair.has_value();
  if (columns.pair) example.pair = row.cells[*columns.pair];
  if (columns.label) example.label = row.cells[*columns.label];
  example.row = row.line;
  return example;
}

}  // namespace bertha
