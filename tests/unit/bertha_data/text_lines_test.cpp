// Lines of a text that comes in pieces of any size.
#include "data_pipeline/labelled/text_lines.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A text in pieces of `bytes`, and how much of it was asked for.
struct Pieces {
  std::string text;
  std::size_t bytes, given = 0;

  TextLines lines() {
    return {"file", [this](std::string& buffer) {
              if (given == text.size()) return false;
              const auto size = std::min(bytes, text.size() - given);
              buffer.append(text, given, size);
              given += size;
              return true;
            }};
  }
};

std::vector<std::string> lines_of(TextLines& lines) {
  std::vector<std::string> all;
  for (std::string_view line; lines.next(line);) {
    all.push_back(std::to_string(lines.number()) + ":" + std::string(line));
  }
  return all;
}

class TextInPieces : public ::testing::TestWithParam<std::size_t> {
 protected:
  std::vector<std::string> lines_of_text(const std::string& text) const {
    Pieces pieces{text, GetParam()};
    auto lines = pieces.lines();
    return lines_of(lines);
  }
};

TEST_P(TextInPieces, AreLinesWithTheirNumbers) {
  EXPECT_THAT(lines_of_text("a\n\nlonger than a piece\r\nend"),
              ElementsAre("1:a\n", "2:\n", "3:longer than a piece\r\n", "4:end"));
  EXPECT_THAT(lines_of_text("a\n"), ElementsAre("1:a\n"));
  EXPECT_THAT(lines_of_text("\n"), ElementsAre("1:\n"));
  EXPECT_THAT(lines_of_text(""), IsEmpty());
}

TEST_P(TextInPieces, LinesThatEndWithCarriageReturnsAloneAreRefused) {
  try {
    lines_of_text("text\tlabel\rgood\tyes\r");
    lines_of_text("text\tlabel\rgood\tyes\rbad\tno\r");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("lines end with CR alone"));
    EXPECT_EQ(error.remedy(), "convert it: tr '\\r' '\\n' <old >new");
  }
  // Within a file that has line ends, they are signs.
  EXPECT_THAT(lines_of_text("a\rb\rc\rd\n"), ElementsAre("1:a\rb\rc\rd\n"));
  EXPECT_THAT(lines_of_text("a\n\rb\rc\rd"), ElementsAre("1:a\n", "2:\rb\rc\rd"));
}

TEST_P(TextInPieces, ARowMayBeSeveralLines) {
  Pieces pieces{"one\ntwo\nthree\n\nfour", GetParam()};
  auto lines = pieces.lines();
  std::string_view row;
  ASSERT_TRUE(lines.next(row));
  ASSERT_TRUE(lines.next(row));
  ASSERT_TRUE(lines.extend(row));
  EXPECT_EQ(row, "two\nthree\n");
  ASSERT_TRUE(lines.extend(row));
  EXPECT_EQ(row, "two\nthree\n\n");
  EXPECT_EQ(lines.number(), 2U);
  ASSERT_TRUE(lines.next(row));
  EXPECT_EQ(row, "four");
  EXPECT_EQ(lines.number(), 5U);
  EXPECT_FALSE(lines.extend(row));
  EXPECT_FALSE(lines.next(row));
}

TEST_P(TextInPieces, WhatIsLookedAtIsNotTaken) {
  Pieces pieces{"\r\n \n text \r\nmore\n", GetParam()};
  auto lines = pieces.lines();
  EXPECT_EQ(first_line(lines, " \r\n"), "text \r");
  std::string_view line;
  std::size_t offset = 0;
  for (const auto* expected : {"\r\n", " \n", " text \r\n", "more\n"}) {
    ASSERT_TRUE(lines.peek(offset, line));
    EXPECT_EQ(line, expected);
  }
  EXPECT_FALSE(lines.peek(offset, line));
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(lines.rest(), " \n text \r\nmore\n");
  EXPECT_THAT(lines_of(lines), ElementsAre("2: \n", "3: text \r\n", "4:more\n"));
  EXPECT_EQ(lines.rest(), "");
  EXPECT_EQ(first_line(lines, " "), "");
}

INSTANTIATE_TEST_SUITE_P(Sizes, TextInPieces, ::testing::Values(1, 2, 7, 1000));

TEST(TextLines, AsksForNoMoreThanTheLine) {
  Pieces pieces{"one\ntwo\nthree\n", 4};
  auto lines = pieces.lines();
  std::string_view line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(pieces.given, 4U);
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(pieces.given, 8U);
}

TEST(TextLines, WarnsOnceOfReplacedBytes) {
  const TestFolder folder;
  const auto path = folder.path() / "a.txt";
  write_file(path, "\xEF\xBB\xBFone\xFF\ntwo\n");
  ::testing::internal::CaptureStderr();
  {
    TextLines lines(path);
    EXPECT_THAT(lines_of(lines), ElementsAre("1:one\xEF\xBF\xBD\n", "2:two\n"));
    std::string_view line;
    EXPECT_FALSE(lines.next(line));
    TextLines silent(path, TextLines::Warning::none);
    EXPECT_EQ(lines_of(silent).size(), 2U);
    TextLines unread(path);
  }
  const auto said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("a.txt: 1 byte(s) that are not UTF-8 were replaced"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  // Who gives up on a bad file is told as well.
  ::testing::internal::CaptureStderr();
  {
    TextLines lines(path);
    std::string_view line;
    lines.next(line);
  }
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("1 byte(s)"));
}

TEST(TextLines, LineEnds) {
  EXPECT_EQ(without_line_end("a\r\n"), "a");
  EXPECT_EQ(without_line_end("a\n"), "a");
  EXPECT_EQ(without_line_end("a\r\r"), "a\r");
  EXPECT_EQ(without_line_end("a\n\n"), "a\n");
  EXPECT_EQ(without_line_end(""), "");
}

}  // namespace
}  // namespace bertha
