// Which tokens are masked and what becomes of them.
#include "data_pipeline/samples/masking.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/samples/word_groups.h"
#include "tests/unit/data_samples/masking_fixture.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(Masking, EightyTenTen) {
  const Masker masker(vocabulary_, {}, 128);
  double chosen = 0, masks = 0, kept = 0, replaced = 0;
  std::vector<double> by_position(128);
  std::set<std::int32_t> drawn;
  constexpr int kSequences = 4000;
  for (std::uint64_t s = 0; s < kSequences; ++s) {
    const auto original = random_pair(s, 1);
    auto sequence = original;
    Philox random(1, RandomPurpose::masking, s);
    masker.apply(sequence, random);
    check_form(sequence, vocabulary_);
    ASSERT_EQ(sequence.masked_positions.size(), 19U);  // round(0.15 * 128 = 19.2)
    ASSERT_EQ(unmasked(sequence), original.tokens);
    for (std::size_t i = 0; i < sequence.masked_positions.size(); ++i) {
      const auto position = static_cast<std::size_t>(sequence.masked_positions[i]);
      const auto now = sequence.tokens[position];
      ++chosen;
      ++by_position[position];
      if (now == vocabulary_.mask()) {
        ++masks;
      } else if (now == sequence.masked_labels[i]) {
        ++kept;
      } else {
        ++replaced;
        drawn.insert(now);
      }
    }
  }
  const double words = 72 + 4000;  // a random token may be the original one
  EXPECT_TRUE(binomial(masks, chosen, 0.8));
  EXPECT_TRUE(binomial(replaced, chosen, 0.1 * (1 - 1 / words)));
  EXPECT_TRUE(binomial(kept, chosen, 0.1 + 0.1 / words));
  for (const auto token : drawn) {
    EXPECT_GE(token, kFirstCharacter) << "a special or unused token was drawn";
  }
  EXPECT_GT(drawn.size(), 3000U);  // of 4072, in 7,600 draws: 84 % expected
  for (std::size_t p = 0; p < 128; ++p) {
    const bool special = p == 0 || p == 62 || p == 127;
    if (special) {
      EXPECT_EQ(by_position[p], 0);
    } else {
      EXPECT_TRUE(binomial(by_position[p], kSequences, 19.0 / 125)) << p;
    }
  }
}

TEST_F(Masking, FractionsAreOptions) {
  const auto original = random_pair(1, 3);
  const auto all_masks = apply(original, {MaskingStrategy::token, 0.5, 1, 0, 0});
  for (const auto p : all_masks.masked_positions) {
    EXPECT_EQ(all_masks.tokens[static_cast<std::size_t>(p)], vocabulary_.mask());
  }
  EXPECT_EQ(all_masks.masked_positions.size(), 64U);
  EXPECT_EQ(apply(original, {MaskingStrategy::token, 0.5, 0, 0, 0}).tokens, original.tokens);
  EXPECT_EQ(apply(original, {MaskingStrategy::token, 1, 1, 0, 0}).masked_positions.size(), 125U);
}

TEST_F(Masking, CountsAreBounded) {
  const auto one = pair({id("w1000")}, {id("w1001")});  // 5 tokens: 0.75 rounds to 1
  EXPECT_EQ(apply(one, {}).masked_positions.size(), 1U);
  MaskingOptions few;
  few.probability = 0.001;
  EXPECT_EQ(apply(one, few).masked_positions.size(), 1U);
  EXPECT_EQ(apply(random_pair(1, 1), few).masked_positions.size(), 1U);
  MaskingOptions capped;
  capped.max_predictions = 5;
  for (const auto strategy : {MaskingStrategy::token, MaskingStrategy::word,
                              MaskingStrategy::character, MaskingStrategy::span}) {
    capped.strategy = strategy;
    EXPECT_EQ(apply(random_pair(1, 1), capped).masked_positions.size(), 5U);
    EXPECT_THAT(apply(pair({}, {}), capped).masked_positions, IsEmpty());
  }
  // Python's round: half to even, 0.15 * 30 = 4.5 and 0.15 * 70 = 10.5.
  EXPECT_EQ(apply(pair(std::vector<std::int32_t>(27, kFirstWord), {}), {}).masked_positions.size(),
            4U);
  EXPECT_EQ(apply(pair(std::vector<std::int32_t>(67, kFirstWord), {}), {}).masked_positions.size(),
            10U);
}

TEST_F(Masking, DependsOnTheKeyOnly) {
  const auto original = random_pair(5, 3);
  for (const auto strategy : {MaskingStrategy::token, MaskingStrategy::word,
                              MaskingStrategy::character, MaskingStrategy::span}) {
    MaskingOptions options;
    options.strategy = strategy;
    EXPECT_EQ(apply(original, options, 1).tokens, apply(original, options, 1).tokens);
    EXPECT_NE(apply(original, options, 1).masked_positions,
              apply(original, options, 2).masked_positions);
  }
}

TEST_F(Masking, WordsAreGroupedByContinuation) {
  const auto& v = vocabulary_;
  const auto words =
      group_words(std::vector{v.cls(), id("##a"), id("##b"), id("w1000"), id("##c1000"),
                              id("w1001"), v.sep(), id("##c"), v.unknown(), id("##d")},
                  v);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& word : words) ranges.emplace_back(word.begin, word.end);
  EXPECT_THAT(ranges, ElementsAre(std::pair(1, 3), std::pair(3, 5), std::pair(5, 6),
                                  std::pair(7, 8), std::pair(9, 10)));
}

TEST_F(Masking, WholeWords) {
  MaskingOptions options;
  options.strategy = MaskingStrategy::word;
  double chosen = 0, masks = 0, words_seen = 0, words_masked = 0;
  for (std::uint64_t s = 0; s < 1000; ++s) {
    const auto original = random_pair(s, 4);
    const auto sequence = apply(original, options, s);
    check_form(sequence, vocabulary_);
    ASSERT_EQ(unmasked(sequence), original.tokens);
    ASSERT_LE(sequence.masked_positions.size(), 19U);
    EXPECT_GE(sequence.masked_positions.size(), 16U);  // a word has at most 4 pieces
    const std::set<int> positions(sequence.masked_positions.begin(),
                                  sequence.masked_positions.end());
    for (const auto& word : group_words(original.tokens, vocabulary_)) {
      std::size_t within = 0;
      for (auto i = word.begin; i < word.end; ++i) within += positions.count(static_cast<int>(i));
      EXPECT_TRUE(within == 0 || within == word.size());
      ++words_seen;
      words_masked += within > 0;
    }
    chosen += static_cast<double>(positions.size());
    for (const auto p : positions) {
      masks += sequence.tokens[static_cast<std::size_t>(p)] == vocabulary_.mask();
    }
  }
  EXPECT_TRUE(binomial(masks, chosen, 0.8));  // each piece by itself, as in BERT
  EXPECT_NEAR(words_masked / words_seen, 0.15, 0.02);
}

TEST_F(Masking, AWordLongerThanTheCount) {
  MaskingOptions options;
  options.strategy = MaskingStrategy::word;
  const auto sequence =
      pair({id("w1000"), id("##c1000"), id("##c1001")}, {id("w1001"), id("##c1002")});
  EXPECT_THAT(apply(sequence, options).masked_positions, ElementsAre(5, 6));  // the shortest
  options.max_predictions = 1;
  EXPECT_THAT(apply(sequence, options).masked_positions, IsEmpty());
}

TEST_F(Masking, CharactersAreRespelled) {
  MaskingOptions options{MaskingStrategy::character, 0.15, 1, 0, 0};
  double partly = 0, wholly = 0;
  for (std::uint64_t s = 0; s < 500; ++s) {
    // Words of five characters; "w" + four digits.
    auto original = random_pair(s, 1);
    const auto sequence = apply(original, options, s);
    check_form(sequence, vocabulary_);
    EXPECT_LE(sequence.tokens.size(), 128U);
    EXPECT_EQ(sequence.masked_positions.size(), 19U);
    const auto tokens = unmasked(sequence);
    // The same words as before, but for the ends of the texts, which made room.
    const auto sep = std::find(sequence.segments.begin(), sequence.segments.end(), 1);
    const auto b = static_cast<std::size_t>(sep - sequence.segments.begin());
    EXPECT_EQ(tokens[0], vocabulary_.cls());
    EXPECT_EQ(tokens[b - 1], vocabulary_.sep());
    EXPECT_EQ(tokens.back(), vocabulary_.sep());
    EXPECT_TRUE(std::is_sorted(sequence.segments.begin(), sequence.segments.end()));
    const auto before_a = words_of({original.tokens.begin() + 1, original.tokens.begin() + 62});
    const auto before_b = words_of({original.tokens.begin() + 63, original.tokens.end() - 1});
    const auto now_a =
        words_of({tokens.begin() + 1, tokens.begin() + static_cast<std::ptrdiff_t>(b) - 1});
    const auto now_b =
        words_of({tokens.begin() + static_cast<std::ptrdiff_t>(b), tokens.end() - 1});
    ASSERT_LE(now_a.size(), before_a.size());
    ASSERT_LE(now_b.size(), before_b.size());
    EXPECT_TRUE(std::equal(now_a.begin(), now_a.end(), before_a.begin()));
    EXPECT_TRUE(std::equal(now_b.begin(), now_b.end(), before_b.begin()));
    EXPECT_GT(now_a.size() + now_b.size(), 80U);  // of 125; about 38 characters are respelled
    // Only respelled words are masked.
    const std::set<int> masked(sequence.masked_positions.begin(), sequence.masked_positions.end());
    for (const auto& word : group_words(tokens, vocabulary_)) {
      std::size_t within = 0;
      for (auto i = word.begin; i < word.end; ++i) within += masked.count(static_cast<int>(i));
      if (within == 0) continue;
      EXPECT_EQ(word.size(), 5U);
      ++(within == word.size() ? wholly : partly);
    }
  }
  // The first for sure, each of the other four by a coin; the last word of a sequence ends early.
  EXPECT_GT(partly, 10 * wholly);
}

TEST_F(Masking, WordsThatCannotBeSpelledKeepTheirPieces) {
  auto tokens = vocabulary_.tokens();
  tokens.push_back("caf\xC3\xA9");  // no "##é" in the vocabulary
  tokens.push_back("\xE4\xB8\xAD");
  tokens.push_back("##\xE4\xB8\xAD");
  const Vocabulary vocabulary(tokens, "test");
  const CharacterSpelling spelling(vocabulary);
  const auto spelled = [&](const std::string& token) {
    const auto ids = spelling.of(vocabulary.find(token));
    return std::vector<std::int32_t>(ids.begin(), ids.end());
  };
  EXPECT_THAT(spelled("caf\xC3\xA9"), IsEmpty());
  EXPECT_THAT(spelled("\xE4\xB8\xAD"), ElementsAre(vocabulary.find("\xE4\xB8\xAD")));
  EXPECT_THAT(spelled("w1002"),
              ElementsAre(vocabulary.find("w"), vocabulary.find("##1"), vocabulary.find("##0"),
                          vocabulary.find("##0"), vocabulary.find("##2")));
  EXPECT_THAT(spelled("##c1002").front(), vocabulary.find("##c"));
  EXPECT_THAT(spelled("[CLS]"), IsEmpty());

  const CharacterMasking masking(vocabulary, spelling, 128);
  std::vector<std::int32_t> text{vocabulary.cls(), vocabulary.find("caf\xC3\xA9"),
                                 vocabulary.find("\xE4\xB8\xAD"), vocabulary.sep()};
  const auto before = text;
  std::vector<std::int32_t> segments(4, 0);
  Philox random(1, RandomPurpose::masking, 0);
  EXPECT_EQ(masking.choose(text, segments, 2, random).size(), 2U);
  EXPECT_EQ(text, before);
}

TEST_F(Masking, ChineseIsNotCutShort) {
  // Characters that are tokens need no room.
  MaskingOptions options;
  options.strategy = MaskingStrategy::character;
  std::vector<std::int32_t> text;
  for (int i = 0; i < 125; ++i) text.push_back(kFirstCharacter + i % 36);
  const auto sequence = apply(pair(text, {}), options);
  EXPECT_EQ(sequence.tokens.size(), 128U);
  EXPECT_EQ(sequence.masked_positions.size(), 19U);
}

}  // namespace
}  // namespace bertha
