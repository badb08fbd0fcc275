// Vocabularies learnt from examples small enough to work out by hand.
#include "data_pipeline/tokenizer/wordpiece_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using Tokens = std::vector<std::string>;

std::string times(int count, const std::string& word) {
  std::string text;
  for (int i = 0; i < count; ++i) text += word + " ";
  return text;
}

// low 5, lower 2, newest 6, widest 3: the usual example of byte-pair encoding.
const std::string kExample =
    times(5, "low") + times(2, "Lower") + times(6, "newest") + times(3, "wídest");

Tokens train(const std::string& text, const VocabularyTrainerOptions& options) {
  WordCounts counts{TokenizerOptions{}};
  counts.add_text(text);
  return train_vocabulary(counts.sorted(), options, {}).tokens();
}

Tokens joined(std::initializer_list<Tokens> lists) {
  Tokens all = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const Tokens& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

const Tokens kAlphabet = {"d", "e",   "i",   "l",   "n",   "o",   "r",   "s",   "t",
                          "w", "##d", "##e", "##i", "##o", "##r", "##s", "##t", "##w"};
// Counts: ##e+##s 9 before ##s+##t 9 (smaller pieces first), then ##es+##t 9; l+##o 7 before
// ##o+##w 7; n+##e, then ##w+##est, then their join, 6 each; the pairs of widest 3; of lower 2.
const Tokens kMergesOfThree = {"##es",   "##est",  "lo", "low",    "ne",
                               "##west", "newest", "wi", "##dest", "widest"};

TEST(WordPieceTrainer, FollowsTheExample) {
  EXPECT_THAT(train(kExample, {.size = 1000}),
              ElementsAreArray(joined({kAlphabet, kMergesOfThree, {"##er", "lower"}})));
}

TEST(WordPieceTrainer, StopsAtRarePairs) {
  EXPECT_THAT(train(kExample, {.size = 1000, .min_frequency = 3}),
              ElementsAreArray(joined({kAlphabet, kMergesOfThree})));
  EXPECT_THAT(train("ab cd", {.size = 100}),
              ElementsAreArray(joined({{"a", "b", "c", "d", "##b", "##d"}})));
}

TEST(WordPieceTrainer, StopsAtTheSizeAskedFor) {
  EXPECT_THAT(train(kExample, {.size = 25}),
              ElementsAreArray(joined({kAlphabet, {"##es", "##est"}})));
  // Too small for the alphabet: e 17 times, ##e 17, w 16, ##w 13; then ##s, ##t, s and t 9.
  EXPECT_THAT(train(kExample, {.size = 9}), ElementsAreArray(joined({{"e", "w", "##e", "##w"}})));
  EXPECT_THAT(train(kExample, {.size = 5}), ElementsAreArray(joined({})));
}

TEST(WordPieceTrainer, LimitsTheAlphabet) {
  // Every word has another letter too, so there is nothing to merge.
  EXPECT_THAT(train(kExample, {.size = 100, .max_alphabet = 2}),
              ElementsAreArray(joined({{"e", "w", "##e", "##w"}})));
}

TEST(WordPieceTrainer, CountsOverlappingPairsOnce) {
  // a ##a ##a ##a ##a twice: ##a+##a 6, merged from the left to a ##aa ##aa.
  EXPECT_THAT(train("aaaaa aaaaa", {.size = 100}),
              ElementsAreArray(joined({{"a", "##a", "##aa", "aaa", "aaaaa"}})));
}

TEST(WordPieceTrainer, DoesNotDependOnOrder) {
  WordCounts counts{TokenizerOptions{}};
  counts.add_text(times(4, "LOW") + times(2, "lower"));
  counts.add_text(times(3, "wídest") + times(1, "low") + times(6, "newest"));
  EXPECT_EQ(counts.total_words(), 16U);
  EXPECT_EQ(counts.counts().at("low"), 5U);
  EXPECT_EQ(train_vocabulary(counts.sorted(), {.size = 1000}, {}).tokens(),
            train(kExample, {.size = 1000}));
}

TEST(WordPieceTrainer, CountsNormalisedWords) {
  WordCounts counts{TokenizerOptions{.lower_case = false, .strip_accents = false}};
  counts.add_text("Ab ab, ab" + std::string(101, 'x') + " " + std::string(100, 'y'));
  EXPECT_EQ(counts.total_words(), 4U);
  EXPECT_EQ(counts.counts().at("Ab"), 1U);
  EXPECT_EQ(counts.counts().at("ab"), 1U);
  EXPECT_EQ(counts.counts().at(","), 1U);
  EXPECT_EQ(counts.counts().count(std::string(100, 'y')), 1U);
}

TEST(WordPieceTrainer, ReportsProgress) {
  WordCounts counts{TokenizerOptions{}};
  counts.add_text(kExample);
  std::uint64_t last = 0;
  train_vocabulary(counts.sorted(), {.size = 1000}, [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_GE(done, last);
    EXPECT_EQ(total, 1000U);
    last = done;
  });
  EXPECT_EQ(last, 35U);
}

ErrorKind refusal(const std::string& text, const VocabularyTrainerOptions& options) {
  try {
    train(text, options);
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "accepted";
  return ErrorKind::internal;
}

TEST(WordPieceTrainer, RefusesTheImpossible) {
  EXPECT_EQ(refusal("", {}), ErrorKind::bad_data);
  EXPECT_EQ(refusal(" \n\t", {}), ErrorKind::bad_data);
  EXPECT_EQ(refusal("a", {.size = 4}), ErrorKind::usage);
  EXPECT_EQ(refusal("a", {.size = -1}), ErrorKind::usage);
  EXPECT_EQ(refusal("a", {.max_alphabet = 0}), ErrorKind::usage);
}

}  // namespace
}  // namespace bertha
