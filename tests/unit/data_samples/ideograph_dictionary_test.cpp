// Words of runs are those of ICU's word iterator, whatever the run.
#include "data_pipeline/samples/ideograph_dictionary.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/unistr.h>

namespace bertha {
namespace {

class DictionaryOfIcu : public ::testing::Test {
 protected:
  DictionaryOfIcu() {
    UErrorCode status = U_ZERO_ERROR;
    iterator_.reset(icu::BreakIterator::createWordInstance(icu::Locale::getChinese(), status));
    EXPECT_TRUE(U_SUCCESS(status));
  }
  std::vector<std::uint32_t> by_icu(const std::u32string& run) {
    icu::UnicodeString text;
    for (const char32_t character : run) text.append(static_cast<UChar32>(character));
    iterator_->setText(text);
    std::vector<std::uint32_t> ends;
    iterator_->first();
    for (auto at = iterator_->next(); at != icu::BreakIterator::DONE; at = iterator_->next()) {
      ends.push_back(static_cast<std::uint32_t>(at));  // all of the basic plane
    }
    return ends;
  }
  void expect_same(const std::u32string& run) {
    const auto ends = dictionary_->word_ends(run);
    ASSERT_EQ(std::vector(ends.begin(), ends.end()), by_icu(run)) << run.size();
  }

  std::optional<IdeographDictionary> dictionary_ = IdeographDictionary::of_icu();
  std::unique_ptr<icu::BreakIterator> iterator_;
};

TEST_F(DictionaryOfIcu, IsThere) {
  ASSERT_TRUE(dictionary_.has_value());
  EXPECT_GT(dictionary_->some_words(1).size(), 50'000U);
  EXPECT_TRUE(dictionary_->knows(U'\u4E2D'));
  for (const char32_t other : {U'a', U'\u3042', U'\u30AB', U'\uAC00', U'\uF900', U'\U00020000'}) {
    EXPECT_FALSE(dictionary_->knows(other)) << static_cast<std::uint32_t>(other);
  }
}

TEST_F(DictionaryOfIcu, SplitsRunsOfItsWords) {
  ASSERT_TRUE(dictionary_.has_value());
  const auto words = dictionary_->some_words(1);
  std::mt19937 draw(5);
  for (int i = 0; i < 20'000; ++i) {
    std::u32string run;
    for (auto count = 1 + draw() % 12; count > 0; --count) {
      auto word = words[draw() % words.size()];
      if (draw() % 3 == 0) word.resize(1 + draw() % word.size());
      run += word;
    }
    expect_same(run);
  }
}

TEST_F(DictionaryOfIcu, SplitsRunsOfAnyCharacters) {
  ASSERT_TRUE(dictionary_.has_value());
  std::u32string known;
  for (char32_t c = 0; c < 0x10000; ++c) {
    if (dictionary_->knows(c)) known += c;
  }
  ASSERT_GT(known.size(), 20'000U);
  std::mt19937 draw(6);
  for (int i = 0; i < 10'000; ++i) {
    std::u32string run;
    // Those near the beginning are frequent ones as often as not.
    const auto among = draw() % 2 == 0 ? known.size() : std::size_t{500};
    const auto from = draw() % (known.size() - among + 1);
    for (auto count = 1 + draw() % 60; count > 0; --count) run += known[from + draw() % among];
    expect_same(run);
  }
}

}  // namespace
}  // namespace bertha
