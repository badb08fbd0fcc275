// Boundaries from windows are those of ICU's iterator over the whole text: random texts of all
// classes of characters, and long ones.
#include "data_pipeline/text/sentence_boundaries.h"

#include <array>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>

namespace bertha {
namespace {

using Boundaries = std::vector<std::size_t>;

class WholeText {
 public:
  WholeText() {
    UErrorCode status = U_ZERO_ERROR;
    iterator_.reset(icu::BreakIterator::createSentenceInstance(icu::Locale("en"), status));
  }
  Boundaries find(const std::string& text) {
    UErrorCode status = U_ZERO_ERROR;
    UText* const opened =
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
    iterator_->setText(opened, status);
    EXPECT_TRUE(U_SUCCESS(status));
    Boundaries found;
    iterator_->first();
    for (auto at = iterator_->next(); at != icu::BreakIterator::DONE; at = iterator_->next()) {
      found.push_back(static_cast<std::size_t>(at));
    }
    utext_close(opened);
    return found;
  }

 private:
  std::unique_ptr<icu::BreakIterator> iterator_;
};

Boundaries find(SentenceBoundaries& boundaries, const std::string& text) {
  Boundaries found;
  for (boundaries.start(text); boundaries.next();) found.push_back(boundaries.boundary());
  return found;
}

constexpr std::size_t kClasses = 15;

// The code points of each Sentence_Break class.
std::array<std::vector<UChar32>, kClasses> characters_by_class() {
  std::array<std::vector<UChar32>, kClasses> characters;
  for (UChar32 c = 0; c <= UCHAR_MAX_VALUE; ++c) {
    if (U_IS_SURROGATE(c)) continue;
    const auto kind = static_cast<std::size_t>(u_getIntPropertyValue(c, UCHAR_SENTENCE_BREAK));
    characters.at(kind).push_back(c);
  }
  return characters;
}

class RandomText {
 public:
  explicit RandomText(unsigned seed) : draw_(seed) {}

  // Of three kinds: every class alike, many terminators, mostly what stands around terminators.
  std::string make(std::size_t longest) {
    std::string text;
    const auto kind = below(3);
    for (std::size_t left = below(longest); left > 0; --left) {
      const auto& among = characters_[class_of(kind)];
      const std::size_t repeats = below(16) == 0 ? 1 + below(24) : 1;
      for (std::size_t i = 0; i < repeats; ++i) {
        const std::size_t most =
            below(2) == 0 ? std::min<std::size_t>(among.size(), 64) : among.size();
        append_code_point(among[below(most)], text);
      }
    }
    return text;
  }
  std::size_t below(std::size_t end) { return draw_() % end; }

 private:
  std::size_t class_of(std::size_t kind) {
    static constexpr std::array<std::size_t, 9> kAround = {U_SB_ATERM, U_SB_STERM,  U_SB_SP,
                                                           U_SB_CLOSE, U_SB_EXTEND, U_SB_FORMAT,
                                                           U_SB_LOWER, U_SB_OTHER,  U_SB_NUMERIC};
    if (kind == 1 && below(3) == 0) return U_SB_ATERM;
    if (kind == 2 && below(2) == 0) return kAround[below(kAround.size())];
    return below(kClasses);
  }

  const std::array<std::vector<UChar32>, kClasses> characters_ = characters_by_class();
  std::mt19937 draw_;
};

TEST(SentenceBoundaries, AreThoseOfTheWholeText) {
  WholeText whole;
  SentenceBoundaries boundaries("en");
  RandomText random(20261127);
  for (int i = 0; i < 60000; ++i) {
    const std::string text = random.make(i % 100 == 0 ? 1000 : 40);
    ASSERT_EQ(find(boundaries, text), whole.find(text)) << testing::PrintToString(text);
  }
}

TEST(SentenceBoundaries, ByTheRulesOneByOne) {
  WholeText whole;
  SentenceBoundaries boundaries("en");
  const std::string run(100, ' '), letters(100, 'x'), digits(100, '1');
  for (const std::string& text : std::vector<std::string>{"",
                                                          ".",
                                                          "a",
                                                          "\r\n",
                                                          "a\r\nb",
                                                          "a\r\r\n",
                                                          "...",
                                                          "a. b",
                                                          "a. B",
                                                          "U.S. and",
                                                          "U.S.A",
                                                          "3.14",
                                                          "a.1",
                                                          "(a.) B",
                                                          "a.\" b",
                                                          "a.\xCC\x80 B",
                                                          "\xCC\x80. B",
                                                          "a.\n\nb",
                                                          "a!, b",
                                                          "a. 1 2 3 b",
                                                          "a. 1 2 3 B",
                                                          "a. 1 2 3.",
                                                          "\xE3\x80\x82\xE3\x80\x82x",
                                                          "a.\xE2\x80\xA9",
                                                          "a." + run + "b",
                                                          "a." + run + "B",
                                                          "a." + digits + " B",
                                                          "a. " + digits + "b",
                                                          letters + "." + run,
                                                          letters + ".\xC2\xAD" + letters,
                                                          run + ".",
                                                          "a." + run + "\r\n" + run + ".",
                                                          "\xF0\x91\x82\xBE A",
                                                          "\xC2\x85\xC2\x85."}) {
    EXPECT_EQ(find(boundaries, text), whole.find(text)) << testing::PrintToString(text);
  }
}

// Sentences of ordinary words, where most of a text is never shown to ICU.
TEST(SentenceBoundaries, InLongTextsOfSeveralScripts) {
  WholeText whole;
  SentenceBoundaries boundaries("en");
  RandomText random(7);
  const std::vector<std::string> words = {"the",
                                          "Word",
                                          "e.g.",
                                          "Mr.",
                                          "U.S.",
                                          "\xE2\x80\x9Cquoted.\xE2\x80\x9D",
                                          "3.14",
                                          "end.",
                                          "so?",
                                          "yes!",
                                          "...",
                                          "\xD0\x94\xD1\x83\xD0\xBC\xD0\xB0",
                                          "\xD0\xB4\xD1\x83\xD0\xBC\xD0\xB0.",
                                          "\xE4\xBB\x8A\xE6\x97\xA5\xE3\x80\x82",
                                          "\xE4\xBB\x8A",
                                          "(so",
                                          "on.)",
                                          "\xE2\x80\xA6",
                                          "1."};
  for (int i = 0; i < 300; ++i) {
    std::string text;
    while (text.size() < 3000) text += words[random.below(words.size())] + " ";
    ASSERT_EQ(find(boundaries, text), whole.find(text)) << text;
  }
}

}  // namespace
}  // namespace bertha
