// Where a byte of a set stands, against looking at one byte after the other.
#include "data_pipeline/text/byte_set.h"

#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace bertha {
namespace {

void expect_same(const std::string& wanted, std::mt19937& draw) {
  const auto has = [&](unsigned char byte) {
    return wanted.find(static_cast<char>(byte)) != std::string::npos;
  };
  const ByteSet set(has);
  for (int i = 0; i < 300; ++i) {
    std::string text(draw() % 150, 'x');
    for (char& c : text) c = static_cast<char>(draw() % 256);
    // Mostly none of them, so that blocks are passed.
    if (draw() % 4 != 0)
      std::erase_if(text, [&](char c) { return has(static_cast<unsigned char>(c)); });
    if (draw() % 2 == 0 && !wanted.empty() && !text.empty()) {
      text[draw() % text.size()] = wanted[draw() % wanted.size()];
    }
    const std::size_t from = draw() % (text.size() + 1);
    std::size_t expected = from;
    while (expected < text.size() && !has(static_cast<unsigned char>(text[expected]))) ++expected;
    ASSERT_EQ(set.find(text, from), expected)
        << testing::PrintToString(wanted) << " in " << testing::PrintToString(text);
  }
}

TEST(ByteSet, FindsTheFirstOfTheSet) {
  std::mt19937 draw(11);
  std::string control;
  for (char c = 0; c < 0x20; ++c) control += c;
  for (const std::string& wanted :
       {std::string(), std::string(1, '\0'), std::string("\n"), control + "\"\\",
        std::string("\n\r.!?\xC2\xD6\xD8\xDB\xE0\xE1\xE2\xE3\xEA\xEF\xF0\xFF")}) {
    expect_same(wanted, draw);
  }
}

// More kinds of upper halves than there are bits for.
TEST(ByteSet, TakesAnySet) {
  std::mt19937 draw(12);
  for (int i = 0; i < 50; ++i) {
    std::string wanted;
    for (int byte = 0; byte < 256; ++byte) {
      if (draw() % 8 == 0) wanted += static_cast<char>(byte);
    }
    expect_same(wanted, draw);
  }
}

}  // namespace
}  // namespace bertha
