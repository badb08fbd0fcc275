// Against ICU's break iterator: the same boundaries in texts of everything the rules speak of.
#include "data_pipeline/text/sentence_boundaries.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include "data_pipeline/text/code_points.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

class IcuSentences {
 public:
  IcuSentences() {
    UErrorCode status = U_ZERO_ERROR;
    iterator_.reset(icu::BreakIterator::createSentenceInstance(icu::Locale("en"), status));
    EXPECT_TRUE(U_SUCCESS(status));
  }
  std::vector<std::size_t> boundaries(const std::string& text) {
    UErrorCode status = U_ZERO_ERROR;
    UText* opened =
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
    iterator_->setText(opened, status);
    EXPECT_TRUE(U_SUCCESS(status));
    std::vector<std::size_t> found;
    iterator_->first();
    for (auto end = iterator_->next(); end != icu::BreakIterator::DONE; end = iterator_->next()) {
      found.push_back(static_cast<std::size_t>(end));
    }
    utext_close(opened);
    return found;
  }

 private:
  std::unique_ptr<icu::BreakIterator> iterator_;
};

std::vector<std::size_t> our_boundaries(const std::string& text) {
  std::vector<std::size_t> found;
  for (std::size_t at = 0; at < text.size();) {
    at = next_sentence_boundary(text, at);
    found.push_back(at);
  }
  return found;
}

// One or more of each class, with those that lie outside the basic plane.
const std::vector<std::int32_t> kTelling = {
    '\r',   '\n',   0x85,   0x2028, 0x2029,  0x300,   0x301,  0x200D, 0xFE0F,  0xAD,
    0x200B, 0xFEFF, ' ',    '\t',   0xA0,    0x3000,  'a',    'z',    0xDF,    0x431,
    'A',    'Z',    0x411,  0x1C5,  0x1D400, 0x5D0,   0x4E2D, 0x3042, 0x20000, '0',
    '7',    0x661,  '.',    0x2024, 0xFF0E,  ',',     '-',    ':',    0x3001,  0x2013,
    '!',    '?',    0x3002, 0x2026, 0x964,   0x1F600, '"',    '\'',   '(',     ')',
    '[',    0x201D, 0xBB,   0x300D, '*',     '/',     '@',    0x1F1E6};

TEST(SentenceBoundaries, AreThoseOfIcu) {
  IcuSentences icu;
  Philox random(5, RandomPurpose::sample_order, 1);
  const auto below = [&](std::uint64_t bound) { return random.next_below(bound); };
  for (int i = 0; i < 60'000; ++i) {
    std::string text;
    // Full stops are wanted more often than the rest.
    for (auto left = 1 + below(24); left > 0; --left) {
      const auto c = below(5) == 0 ? '.' : kTelling[below(kTelling.size())];
      append_code_point(c, text);
    }
    ASSERT_EQ(our_boundaries(text), icu.boundaries(text)) << text;
  }
}

TEST(SentenceBoundaries, AreThoseOfIcuForEveryCodePoint) {
  IcuSentences icu;
  for (std::int32_t c = 1; c < 0x110000; c += c < 0x3400 ? 1 : 37) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    for (const char* around : {"a. ", " b.", "A", "!", ". ", "1 ", " C", ".x"}) {
      text += around;
      append_code_point(c, text);
    }
    ASSERT_EQ(our_boundaries(text), icu.boundaries(text)) << c;
  }
}

}  // namespace
}  // namespace bertha
