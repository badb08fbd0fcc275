// Invalid UTF-8, against the replacements that Python's decoder makes.
#include "data_pipeline/text/utf8_text.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "sample_files.h"

namespace bertha {
namespace {

// U+FFFD is written as '?' to be readable here.
std::pair<std::string, std::uint64_t> repair(std::string_view bytes, std::size_t piece) {
  Utf8Repair repairer;
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    repairer.append(bytes.substr(at, piece), text);
  }
  repairer.finish(text);
  for (auto at = text.find("\xEF\xBF\xBD"); at != std::string::npos;
       at = text.find("\xEF\xBF\xBD")) {
    text.replace(at, 3, "?");
  }
  return {text, repairer.replaced_bytes()};
}

// bytes.decode('utf-8', errors='replace') of Python 3.11.
TEST(Utf8Repair, ReplacesMaximalSubpartsAsPythonDoes) {
  struct Case {
    std::string_view bytes, text;
    std::uint64_t replaced;
  };
  const std::vector<Case> cases = {
      {"", "", 0},
      {"plain \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "plain \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
       0},
      {"a\x80z", "a?z", 1},
      {"\xC0\xAF", "??", 2},            // overlong
      {"\xE0\x80\xAF", "???", 3},       // overlong
      {"\xED\xA0\x80", "???", 3},       // surrogate
      {"\xF4\x90\x80\x80", "????", 4},  // above U+10FFFF
      {"\xF0\x9F\x98z", "?z", 3},       // one truncated sequence
      {"\xE2\x82", "?", 2},             // cut off by the end
      {"\xE2\x82\xE2\x82\xAC", "?\xE2\x82\xAC", 2},
      {"\xFE\xFFok\xC3", "??ok?", 3},
      // The Unicode Standard's own example (section 3.9, table 3-8).
      {"\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", "a???b?c??d", 9},
  };
  for (const Case& c : cases) {
    for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
      EXPECT_EQ(repair(c.bytes, piece), std::make_pair(std::string(c.text), c.replaced))
          << testing::PrintToString(c.bytes) << " by " << piece;
    }
  }
}

// Whole, it is looked at in blocks; by single bytes, never.
TEST(Utf8Repair, BlocksAndSingleBytesGiveTheSame) {
  std::mt19937 draw(5);
  const std::vector<std::string> pieces = {"plain words and ",
                                           "\xD0\x94\xD1\x83",
                                           "\xE4\xBB\x8A",
                                           "\xF0\x9F\x98\x80",
                                           "\xE0\xA4\xB9",
                                           "\xED\x95\x9C",
                                           " ",
                                           "e",
                                           "\xC3\xA9"};
  const std::vector<std::string> faults = {"\xED\xA0\x80", "\x80",         "\xC0\x80", "\xE4\xBB",
                                           "\xF4\x90\x80", "\xF0\x9F\x98", "\xFF",     "\xE0\x80",
                                           "\xE4",         "\xD0",         "\xBF\xBF"};
  for (int i = 0; i < 20000; ++i) {
    std::string bytes;
    const auto kinds = draw() % pieces.size() + 1, rare = draw() % 30 + 2;
    for (auto left = draw() % 60; left > 0; --left) {
      bytes += draw() % rare == 0 ? faults[draw() % faults.size()] : pieces[draw() % kinds];
    }
    ASSERT_EQ(repair(bytes, bytes.size() + 1), repair(bytes, 1)) << testing::PrintToString(bytes);
  }
}

std::string source_text(const std::filesystem::path& path) {
  Utf8Source source({.path = path});
  std::string all;
  while (source.append_next(all)) {
  }
  return all;
}

TEST(Utf8Source, DropsTheByteOrderMarkAtTheStartOnly) {
  TemporaryFolder folder;
  EXPECT_EQ(source_text(folder.write("a", "\xEF\xBB\xBFone\xEF\xBB\xBF")), "one\xEF\xBB\xBF");
  EXPECT_EQ(source_text(folder.write("b", "\xEF\xBB\xBF")), "");
  EXPECT_EQ(source_text(folder.write("c", "")), "");
  EXPECT_EQ(source_text(folder.write("d", std::string("\0x", 2))), std::string("\0x", 2));
}

TEST(Utf8Source, RefusesUtf16WithAWordOnWhatToDo) {
  TemporaryFolder folder;
  for (const std::string_view bytes :
       {std::string_view("\xFF\xFEh\0i\0", 6), std::string_view("\xFE\xFF\0h\0i", 6)}) {
    try {
      source_text(folder.write("wide.txt", bytes));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.message(), testing::HasSubstr("wide.txt: UTF-16"));
      EXPECT_THAT(error.remedy(), testing::HasSubstr("iconv"));
    }
  }
}

TEST(Utf8Source, CharactersAcrossReadsStayWhole) {
  TemporaryFolder folder;
  std::string text = "x";
  for (int i = 0; i < 100000; ++i) text += "\xE2\x82\xAC";  // passes every read boundary unevenly
  EXPECT_EQ(source_text(folder.write("a", text)), text);
}

}  // namespace
}  // namespace bertha
