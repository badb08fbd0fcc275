// Blocks of text against the table of well-formed sequences (Unicode Standard, table 3-7).
#include "data_pipeline/text/well_formed.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace bertha {
namespace {

// Bytes of the well-formed sequence at the start of `text`; 0 where there is none.
std::size_t sequence_bytes(std::string_view text) {
  struct Row {
    int first_low, first_high, second_low, second_high;
    std::size_t bytes;
  };
  constexpr Row kTable[] = {
      {0x00, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
      {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
      {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
  const auto within = [&](std::size_t place, int low, int high) {
    const int byte = static_cast<unsigned char>(text[place]);
    return byte >= low && byte <= high;
  };
  for (const Row& row : kTable) {
    if (!within(0, row.first_low, row.first_high)) continue;
    if (text.size() < row.bytes) return 0;
    if (row.bytes > 1 && !within(1, row.second_low, row.second_high)) return 0;
    for (std::size_t i = 2; i < row.bytes; ++i) {
      if (!within(i, 0x80, 0xBF)) return 0;
    }
    return row.bytes;
  }
  return 0;
}

// Places where a character begins, up to and with the first fault or the end.
std::vector<std::size_t> borders(std::string_view text) {
  std::vector<std::size_t> places = {0};
  while (places.back() < text.size()) {
    const std::size_t bytes = sequence_bytes(text.substr(places.back()));
    if (bytes == 0) break;
    places.push_back(places.back() + bytes);
  }
  return places;
}

// It stops at a border; where AVX2 is there, not before the block with the first fault.
void expect_right(const std::string& text) {
  const auto places = borders(text);
  const std::size_t stop = skip_well_formed(text, 0);
  ASSERT_TRUE(std::ranges::find(places, stop) != places.end()) << testing::PrintToString(text);
  if (!__builtin_cpu_supports("avx2")) return;
  constexpr std::size_t kBlock = 32, kLongest = 4;
  const std::size_t blocks = places.back() / kBlock * kBlock;
  ASSERT_GT(stop + kLongest, blocks) << testing::PrintToString(text);
}

// Four bytes of all kinds, at every place against the border of two blocks.
TEST(WellFormed, StopsBeforeEveryFault) {
  const std::string kinds(
      "\x00\x41\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE"
      "\xEF\xF0\xF1\xF3\xF4\xF5\xFF",
      25);
  for (std::size_t before = 28; before <= 33; ++before) {
    std::string text(before + 4 + 64, 'a');
    for (const char a : kinds) {
      for (const char b : kinds) {
        for (const char c : kinds) {
          for (const char d : std::string_view("a\x80\xBF\xC2\xE1\xF1")) {
            text[before] = a;
            text[before + 1] = b;
            text[before + 2] = c;
            text[before + 3] = d;
            expect_right(text);
            if (testing::Test::HasFatalFailure()) return;
          }
        }
      }
    }
  }
}

TEST(WellFormed, GoesOverTextOfAllLengths) {
  std::mt19937 draw(6);
  const std::vector<std::string> characters = {"a",
                                               " ",
                                               "\xC3\xA9",
                                               "\xD0\x94",
                                               "\xE0\xA4\xB9",
                                               "\xE4\xBB\x8A",
                                               "\xED\x95\x9C",
                                               "\xF0\x9F\x98\x80"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    const auto kinds = draw() % characters.size() + 1;
    for (auto left = draw() % 120; left > 0; --left) text += characters[draw() % kinds];
    if (draw() % 2 == 0 && !text.empty()) text.resize(draw() % text.size());  // cut anywhere
    expect_right(text);
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace bertha
