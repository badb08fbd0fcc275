// The words of runs of ideographs are ICU's, the first time and when they are remembered.
#include "data_pipeline/samples/chinese_words.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/unistr.h>

#include "tests/unit/data_samples/masking_fixture.h"

namespace bertha {
namespace {

using Ideographs = std::vector<UChar32>;

// Places in the run where its words end.
class Dictionary {
 public:
  Dictionary() {
    UErrorCode status = U_ZERO_ERROR;
    iterator_.reset(icu::BreakIterator::createWordInstance(icu::Locale::getChinese(), status));
    EXPECT_TRUE(U_SUCCESS(status));
  }
  std::vector<std::size_t> ends(const Ideographs& run) {
    const auto text =
        icu::UnicodeString::fromUTF32(run.data(), static_cast<std::int32_t>(run.size()));
    iterator_->setText(text);
    std::vector<std::size_t> ends;
    iterator_->first();
    for (auto at = iterator_->next(); at != icu::BreakIterator::DONE; at = iterator_->next()) {
      ends.push_back(static_cast<std::size_t>(text.countChar32(0, at)));
    }
    return ends;
  }

 private:
  std::unique_ptr<icu::BreakIterator> iterator_;
};

class ChineseWordsOfRuns : public Masking {
 protected:
  // Frequent characters, so that runs of them hold words; and a few beyond the basic plane.
  static Ideographs alphabet() {
    const auto frequent = icu::UnicodeString::fromUTF8(
        "\u7684\u4E00\u662F\u4E0D\u4E86\u4EBA\u6211\u5728\u6709\u4ED6\u8FD9\u4E2D\u5927\u6765\u4E0A"
        "\u56FD\u4E2A\u5230\u8BF4\u4EEC\u4E3A\u5B50\u548C\u4F60\u5730\u51FA\u9053\u4E5F\u65F6\u5E74"
        "\u5F97\u5C31\u90A3\u8981\u4E0B\u4EE5\u751F\u4F1A\u81EA\u7740\u53BB\u4E4B\u8FC7\u5BB6\u5B66"
        "\u5BF9\u53EF\u5979\u91CC\u540E\u5C0F\u4E48\u5FC3\u591A\u5929\u800C\u80FD\u597D\u90FD\u7136"
        "\u6CA1\u65E5\u4E8E\u8D77\u8FD8\u53D1\u6210\u4E8B\u53EA\u4F5C\u5F53\u60F3\u770B\u6587"
        "\u65E0");
    Ideographs characters{0x20000, 0x20001};
    for (std::int32_t i = 0; i < frequent.length(); ++i) characters.push_back(frequent.char32At(i));
    return characters;
  }
  static std::string utf8(UChar32 character) {
    std::string text;
    icu::UnicodeString(character).toUTF8String(text);
    return text;
  }
  ChineseWordsOfRuns() {
    auto tokens = vocabulary_.tokens();
    for (const UChar32 character : characters_) tokens.push_back(utf8(character));
    with_characters_ = std::make_unique<Vocabulary>(tokens, "test");
  }
  std::vector<std::size_t> joined(const ChineseWords& words, const Ideographs& run) const {
    std::vector<std::int32_t> text;
    for (const UChar32 character : run) text.push_back(with_characters_->find(utf8(character)));
    std::vector<std::size_t> ends;
    for (const auto& word : words.join(text, group_words(text, *with_characters_))) {
      EXPECT_EQ(word.begin, ends.empty() ? 0 : ends.back());
      ends.push_back(word.end);
    }
    return ends;
  }
  std::vector<Ideographs> random_runs(std::size_t count, unsigned seed) const {
    std::mt19937 draw(seed);
    std::vector<Ideographs> runs(count);
    for (Ideographs& run : runs) {
      run.resize(1 + draw() % 40);
      // The first two, beyond the basic plane, seldom.
      for (UChar32& c : run)
        c = characters_[draw() % 64 == 0 ? draw() % 2 : 2 + draw() % (characters_.size() - 2)];
    }
    return runs;
  }

  const Ideographs characters_ = alphabet();
  std::unique_ptr<Vocabulary> with_characters_;
};

TEST_F(ChineseWordsOfRuns, AreThoseOfTheDictionary) {
  const ChineseWords words(*with_characters_);
  const auto runs = random_runs(10000, 11);
  Dictionary dictionary;
  std::size_t longer = 0;
  for (int round = 0; round < 2; ++round) {
    for (const Ideographs& run : runs) {
      const auto ends = dictionary.ends(run);
      ASSERT_EQ(joined(words, run), ends);
      longer += ends.size() < run.size() ? 1 : 0;
    }
  }
  EXPECT_GT(longer, runs.size());  // of 20,000: words of several characters there were
}

TEST_F(ChineseWordsOfRuns, InSeveralThreadsAtOnce) {
  const ChineseWords words(*with_characters_);
  const auto runs = random_runs(2000, 12);
  std::vector<std::vector<std::size_t>> found[2];
  {
    std::vector<std::jthread> threads;
    for (auto& list : found) {
      threads.emplace_back([&] {
        for (const Ideographs& run : runs) list.push_back(joined(words, run));
      });
    }
  }
  EXPECT_EQ(found[0], found[1]);
}

}  // namespace
}  // namespace bertha
