// INI text: comments, quotes, odd values there and back, messages with file and line.
#include "launch/ini_file.h"

#include <gmock/gmock.h>

#include "parallel/base/error.h"
#include "tests/unit/bertha_launch/option_fixture.h"

namespace bertha {
namespace {

std::string only_value(const std::string& text) {
  const auto entries = parse_ini(text, "x.ini");
  EXPECT_EQ(entries.size(), 1U);
  return entries.empty() ? "" : entries.front().value;
}

std::string message_of(const std::string& text) {
  try {
    parse_ini(text, "x.ini");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    return error.what();
  }
  return "";
}

TEST(IniFile, NamesCarryTheSectionAndTheLine) {
  const auto entries =
      parse_ini("\xEF\xBB\xBFinclude = a.ini\r\n# x\n\n[train]\r\nsteps=5\r\n", "x");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "include");
  EXPECT_EQ(entries[0].value, "a.ini");
  EXPECT_EQ(entries[1].name, "train.steps");
  EXPECT_EQ(entries[1].value, "5");
  EXPECT_EQ(entries[1].line, 5);
}

TEST(IniFile, CommentsBeginAfterASpaceOnly) {
  EXPECT_EQ(only_value("a = 5  # five"), "5");
  EXPECT_EQ(only_value("a = runs/c#4"), "runs/c#4");
  EXPECT_EQ(only_value("a = x=y"), "x=y");
  EXPECT_EQ(only_value("a = \"x # y\" ; why"), "x # y");
  EXPECT_EQ(only_value("a = it's \"so\""), "it's \"so\"");
  EXPECT_EQ(only_value("a ="), "");
}

TEST(IniFile, WrongLinesAreNamed) {
  EXPECT_THAT(message_of("[a]\nb\n"), testing::HasSubstr("x.ini:2"));
  EXPECT_THAT(message_of("[a\n"), testing::HasSubstr("x.ini:1"));
  EXPECT_THAT(message_of("\na = \"b\n"), testing::HasSubstr("x.ini:2"));
  EXPECT_THAT(message_of("a = \"b\" c\n"), testing::HasSubstr("closing quote"));
  EXPECT_THAT(message_of("= c\n"), testing::HasSubstr("x.ini:1"));
  EXPECT_THAT(message_of(std::string("a = \0\n", 7)), testing::HasSubstr("zero byte"));
}

const std::vector<std::string> kOddValues{
    "a # b", "a#b", "#",  ";x",       " lead",     "trail ", "\"quoted\"", "it's",
    "a=b",   "= ",  "\\", "a\\\"b #", "tab\there", "\t",     "[x]",        "größe/文"};

TEST(IniFile, OddValuesComeBack) {
  for (const auto& value : kOddValues) {
    EXPECT_EQ(only_value("name = " + ini_value(value)), value) << ini_value(value);
  }
  EXPECT_EQ(ini_value("runs/plain one"), "runs/plain one");
}

using ResolvedIni = OptionTest;

// It repeats the run: its options are the same ones, whatever the paths look like.
TEST_F(ResolvedIni, RepeatsOddPaths) {
  for (const auto& value : kOddValues) {
    const auto first = read({"--train.output=" + value, "--data.corpus=" + value, "--input.paths",
                             "x" + value, "y " + value});
    EXPECT_EQ(first.trainer.train.output, value);
    const auto again = read({"--config", ini("resolved.ini", resolved_ini(first))});
    EXPECT_EQ(again.resolved, first.resolved) << value;
    EXPECT_EQ(again.trainer.train.output, value);
  }
}

}  // namespace
}  // namespace bertha
