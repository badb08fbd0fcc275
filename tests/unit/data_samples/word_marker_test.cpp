// Words of Chinese found beforehand are those that are found in every epoch, and change no mask.
#include "data_pipeline/samples/word_marker.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/samples/sample_builder.h"
#include "data_pipeline/samples/sample_index.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using Tokens = std::vector<std::int32_t>;
using Marks = std::vector<std::uint8_t>;

class WordMarks : public ::testing::Test {
 protected:
  // Frequent characters, so that runs of them hold words, one beyond the basic plane, and one that
  // goes on with a word.
  WordMarks() {
    auto tokens = test_vocabulary(50).tokens();
    first_ = static_cast<std::int32_t>(tokens.size());
    for (const char* character :
         {"的", "一", "是", "不", "了", "人", "我", "在", "有", "他",         "这",   "中",
          "大", "来", "上", "国", "个", "到", "说", "们", "为", "子",         "和",   "你",
          "地", "出", "道", "也", "时", "年", "得", "就", "那", "要",         "下",   "以",
          "生", "会", "自", "着", "去", "之", "过", "家", "学", "\U00020000", "##国", "##人"}) {
      tokens.emplace_back(character);
    }
    end_ = static_cast<std::int32_t>(tokens.size());
    vocabulary_.emplace(tokens, "test");
  }
  std::int32_t character(Philox& random) const {
    return first_ + static_cast<std::int32_t>(random.next_below(45));
  }
  // Mostly ideographs; words of several pieces, unknown words, ideographs that go on.
  std::int32_t any_token(Philox& random) const {
    switch (random.next_below(24)) {
      case 0:
        return vocabulary_->unknown();
      case 1:
      case 2:
        return kFirstWord + static_cast<std::int32_t>(random.next_below(100));
      case 3:
        return end_ - 3 + static_cast<std::int32_t>(random.next_below(3));
      default:
        return character(random);
    }
  }
  std::vector<TestDocument> documents(int count) const {
    Philox random(12, RandomPurpose::sample_order, 1);
    std::vector<TestDocument> documents(static_cast<std::size_t>(count));
    for (auto& document : documents) {
      document.resize(1 + random.next_below(12));
      for (auto& sentence : document) {
        sentence.resize(1 + random.next_below(60));
        for (auto& token : sentence) token = any_token(random);
      }
    }
    return documents;
  }
  Marks marks_of(const Tokens& document) const {
    WordMarker marker(*vocabulary_);
    Marks marks;
    marker.add(document, marks);
    marker.end_document(marks);
    return marks;
  }
  // By the words of the whole document as a sequence.
  Marks expected(const Tokens& document) const {
    Marks marks(document.size(), kBeginsWord);
    const auto groups = group_words(document, *vocabulary_);
    const ChineseWords chinese(*vocabulary_);
    for (const auto& word : chinese.join(document, groups)) {
      const bool is_one_group =
          std::ranges::find(groups, word.end, &WordGroup::end)->begin == word.begin;
      for (auto t = word.begin + 1; t < word.end && !is_one_group; ++t) marks[t] = kContinuesWord;
    }
    return marks;
  }

  std::int32_t first_ = 0, end_ = 0;
  std::optional<Vocabulary> vocabulary_;
};

TEST_F(WordMarks, AreThoseOfTheWholeDocumentInAnyPieces) {
  Philox random(13, RandomPurpose::sample_order, 1);
  WordMarker marker(*vocabulary_);
  std::size_t joined = 0;
  for (const auto& sentences : documents(300)) {
    Tokens document;
    Marks marks;
    for (const auto& sentence : sentences) {
      document.insert(document.end(), sentence.begin(), sentence.end());
      const std::vector<std::uint16_t> narrow(sentence.begin(), sentence.end());
      random.next_below(2) == 0 ? marker.add(sentence, marks) : marker.add(narrow, marks);
      ASSERT_LE(marks.size(), document.size());
    }
    marker.end_document(marks);
    ASSERT_EQ(marks, expected(document));
    joined += static_cast<std::size_t>(std::ranges::count(marks, kContinuesWord));
  }
  EXPECT_GT(joined, 1000U);
}

TEST_F(WordMarks, OfTooLongRunsAreNone) {
  Philox random(14, RandomPurpose::sample_order, 1);
  const auto longest = ChineseWords::kLongestMarked;
  for (const std::size_t length : {longest - 1, longest, longest + 1, longest + 2, 5 * longest}) {
    for (const bool takes_last : {false, true}) {
      Tokens document{kFirstWord};
      for (std::size_t i = 0; i < length + (takes_last ? 1 : 0); ++i) {
        document.push_back(character(random));
      }
      if (takes_last) document.push_back(end_ - 1);  // the last one is a longer word's
      document.push_back(kFirstWord);
      const auto marks = marks_of(document);
      const auto wanted =
          length > longest ? Marks(document.size(), kBeginsWord) : expected(document);
      EXPECT_EQ(marks, wanted) << length << takes_last;
      // Where a sequence has them whole, they are looked up all the same.
      const ChineseWords chinese(*vocabulary_);
      const auto groups = group_words(document, *vocabulary_);
      const auto found = chinese.join(document, groups),
                 known = chinese.join(document, groups, marks);
      ASSERT_EQ(found.size(), known.size()) << length << takes_last;
      for (std::size_t w = 0; w < found.size(); ++w) ASSERT_EQ(found[w].end, known[w].end);
    }
  }
}

TEST_F(WordMarks, ChangeNoMask) {
  const TestFolder folder;
  const auto texts = documents(150);
  write_corpus(folder.path() / "without", *vocabulary_, {{"train", texts}});
  write_corpus(folder.path() / "with", *vocabulary_, {{"train", texts}}, true);
  const Corpus without(folder.path() / "without", "train", VerifyLevel::full);
  const Corpus with(folder.path() / "with", "train", VerifyLevel::full);
  ASSERT_FALSE(without.has_word_marks());
  ASSERT_TRUE(with.has_word_marks());
  for (const auto strategy : {MaskingStrategy::word, MaskingStrategy::span}) {
    for (const int length : {16, 64, 512}) {
      for (const bool pairs : {true, false}) {
        DataConfig config;
        config.masking.strategy = strategy;
        config.sequence_length = length;
        config.next_sentence = pairs;
        const SampleIndex index(with, config, 3, 1);
        const SampleBuilder plain(without, config, 3), marked(with, config, 3);
        for (std::uint64_t n = 0; n < index.size(); ++n) {
          LabelledSequence one, other;
          plain.build(index.plan(n), n, 1, one);
          marked.build(index.plan(n), n, 1, other);
          ASSERT_EQ(one.sequence.tokens, other.sequence.tokens) << length << " " << n;
          ASSERT_EQ(one.sequence.masked_positions, other.sequence.masked_positions);
          ASSERT_EQ(one.sequence.masked_labels, other.sequence.masked_labels);
        }
      }
    }
  }
}

// They are believed: other marks, other words.
TEST_F(WordMarks, AreUsedInsideOfATextOnly) {
  const ChineseWords chinese(*vocabulary_);
  const Tokens text{kFirstWord, first_, first_ + 1, first_ + 2, kFirstWord};
  const auto ends_by = [&](const Marks& marks) {
    std::vector<std::size_t> ends;
    for (const auto& word : chinese.join(text, group_words(text, *vocabulary_), marks)) {
      ends.push_back(word.end);
    }
    return ends;
  };
  EXPECT_THAT(ends_by({0, 0, 1, 1, 0}), ::testing::ElementsAre(1, 4, 5));
  EXPECT_THAT(ends_by({0, 0, 0, 1, 0}), ::testing::ElementsAre(1, 2, 4, 5));
  const auto asked = ends_by({});
  EXPECT_EQ(ends_by({0, kUnknownWord, 1, 1, 0}), asked);
  EXPECT_EQ(ends_by({0, 0, 1, kUnknownWord, 0}), asked);
  EXPECT_NE(ends_by({0, 0, 1, 1, 0}), asked);
}

}  // namespace
}  // namespace bertha
