// Rows and cells of TSV and CSV.
#include "data_pipeline/labelled/table_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Cells = std::vector<std::string>;

constexpr TableFormat kTsv{'\t', false}, kCsv{',', true};

// A text that comes as a pipe may bring it: in pieces of `bytes`.
TextLines lines_of(std::string text, std::size_t bytes) {
  return {"file",
          [text = std::move(text), bytes, at = std::size_t{0}](std::string& buffer) mutable {
            buffer += text.substr(at, bytes);
            return std::exchange(at, std::min(at + bytes, text.size())) < text.size();
          }};
}

std::vector<Cells> rows_of(const std::string& text, TableFormat format, std::size_t bytes = 1) {
  auto lines = lines_of(text, bytes);
  TableReader reader(lines, format);
  std::vector<Cells> rows;
  TableRow row;
  while (reader.next(row)) rows.push_back(row.cells);
  return rows;
}

TEST(TableReader, Tsv) {
  EXPECT_THAT(rows_of("a\tb\nc\td\n", kTsv), ElementsAre(Cells{"a", "b"}, Cells{"c", "d"}));
  EXPECT_THAT(rows_of("a\tb\r\nc\td\r", kTsv), ElementsAre(Cells{"a", "b"}, Cells{"c", "d"}));
  EXPECT_THAT(rows_of("\"a\"\t\"b", kTsv), ElementsAre(Cells{"\"a\"", "\"b"}));
  EXPECT_THAT(rows_of("a\t\n\t\n\n", kTsv), ElementsAre(Cells{"a", ""}, Cells{"", ""}, Cells{""}));
  EXPECT_THAT(rows_of("a\t", kTsv), ElementsAre(Cells{"a", ""}));
  EXPECT_THAT(rows_of("a\rb\tc", kTsv), ElementsAre(Cells{"a\rb", "c"}));
  EXPECT_THAT(rows_of("", kTsv), IsEmpty());
  EXPECT_THAT(rows_of("\n", kTsv), ElementsAre(Cells{""}));
}

// As Python's csv module reads them.
TEST(TableReader, Csv) {
  EXPECT_THAT(rows_of("a,\"b, c\"\r\n\"say \"\"hi\"\"\",d\n", kCsv),
              ElementsAre(Cells{"a", "b, c"}, Cells{"say \"hi\"", "d"}));
  EXPECT_THAT(rows_of("\"two\nlines\r\nor three\",x\ny,z", kCsv),
              ElementsAre(Cells{"two\nlines\r\nor three", "x"}, Cells{"y", "z"}));
  EXPECT_THAT(rows_of("\"\",\"\"\n,", kCsv), ElementsAre(Cells{"", ""}, Cells{"", ""}));
  EXPECT_THAT(rows_of("5\" disk,a", kCsv), ElementsAre(Cells{"5\" disk", "a"}));
  EXPECT_THAT(rows_of("\"\"\"\"", kCsv), ElementsAre(Cells{"\""}));
}

TEST(TableReader, CountsLinesWithinQuotes) {
  auto text = lines_of("a\n\"b\n\nc\"\n\nd\n", 3);
  TableReader reader(text, kCsv);
  TableRow row;
  std::vector<std::uint64_t> lines;
  while (reader.next(row)) lines.push_back(row.line);
  EXPECT_THAT(lines, ElementsAre(1, 2, 5, 6));
}

std::string message_of(const std::string& text) {
  try {
    rows_of(text, kCsv);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return error.message();
  }
  return "no error";
}

TEST(TableReader, NamesLineAndColumnOfABadQuote) {
  EXPECT_EQ(message_of("a,b\nc,\"d\ne,f\n"),
            "file:2: a quote is opened here and never closed (column 1, from 0)");
  EXPECT_EQ(message_of("a,b\n\"x\ny\" z,d\n"),
            "file:3: text behind a closing quote (column 0, from 0)");
  EXPECT_THAT(message_of("\""), HasSubstr("file:1:"));
}

// Rows, and the error where one ends them.
std::pair<std::vector<Cells>, std::string> outcome_of(const std::string& text, TableFormat format,
                                                      std::size_t bytes) {
  std::vector<Cells> rows;
  try {
    auto lines = lines_of(text, bytes);
    TableReader reader(lines, format);
    for (TableRow row; reader.next(row);) rows.push_back(row.cells);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    return {rows, error.message()};
  }
  return {rows, ""};
}

// Whatever the text, and however it comes: also a quoted cell or "\r\n" in two pieces.
TEST(TableReader, ReadsAnyBytes) {
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    std::string text;
    std::uint32_t state = seed * 2654435761U + 1;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525U + 1013904223U;
      text += "\",\n\ra\t\xff "[state >> 29];
    }
    for (const auto format : {kTsv, kCsv}) {
      const auto whole = outcome_of(text, format, text.size());
      for (const std::size_t bytes : {1, 2, 7}) EXPECT_EQ(outcome_of(text, format, bytes), whole);
    }
  }
}

}  // namespace
}  // namespace bertha
