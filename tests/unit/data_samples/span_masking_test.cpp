// Spans of whole words, and the words of Chinese.
#include "data_pipeline/samples/span_masking.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/samples/chinese_words.h"
#include "tests/unit/data_samples/masking_fixture.h"

namespace bertha {
namespace {

class SpanMasking : public Masking {};

// SpanBERT, section 3.1: l ~ Geo(0.2) clipped at 10 has a mean of 3.8 words.
TEST_F(SpanMasking, SpanLengthsAreGeometric) {
  constexpr double kDraws = 200000;
  std::vector<double> seen(11);
  Philox random(3, RandomPurpose::masking, 1);
  double sum = 0;
  for (int i = 0; i < static_cast<int>(kDraws); ++i) {
    const auto length = draw_span_length(random);
    ASSERT_GE(length, 1U);
    ASSERT_LE(length, 10U);
    ++seen[length];
    sum += static_cast<double>(length);
  }
  double weight = 0.2, total = 0;
  for (int l = 1; l <= 10; ++l, weight *= 0.8) total += weight;
  EXPECT_NEAR(total, 1 - std::pow(0.8, 10), 1e-12);
  weight = 0.2;
  for (std::size_t l = 1; l <= 10; ++l, weight *= 0.8) {
    EXPECT_TRUE(binomial(seen[l], kDraws, weight / total)) << l;
  }
  EXPECT_NEAR(sum / kDraws, 3.8, 0.03);
}

TEST_F(SpanMasking, SpansAreWholeWordsWithOneFate) {
  MaskingOptions options{MaskingStrategy::span, 0.15, 0.8, 0.1, 0};
  double spans = 0, masked_spans = 0, kept_spans = 0, predictions = 0, runs = 0;
  std::vector<double> by_position(128);
  constexpr std::uint64_t kSequences = 4000;
  for (std::uint64_t s = 0; s < kSequences; ++s) {
    const auto original = random_pair(s, 3);
    const auto sequence = apply(original, options, s);
    check_form(sequence, vocabulary_);
    ASSERT_EQ(unmasked(sequence), original.tokens);
    ASSERT_LE(sequence.masked_positions.size(), 19U);
    EXPECT_GE(sequence.masked_positions.size(), 17U);  // a word has at most 3 pieces
    predictions += static_cast<double>(sequence.masked_positions.size());
    const std::set<int> masked(sequence.masked_positions.begin(), sequence.masked_positions.end());
    for (const auto& word : group_words(original.tokens, vocabulary_)) {
      std::size_t within = 0;
      for (auto i = word.begin; i < word.end; ++i) within += masked.count(static_cast<int>(i));
      EXPECT_TRUE(within == 0 || within == word.size());
    }
    for (const auto p : masked) {
      ++by_position[static_cast<std::size_t>(p)];
      runs += masked.count(p - 1) == 0;
    }
    // Two spans may touch; a whole run of one kind is what one fate looks like.
    for (auto p = masked.begin(); p != masked.end();) {
      bool all_masks = true, all_kept = true;
      int last = *p;
      for (; p != masked.end() && *p <= last + 1; last = *p, ++p) {
        const auto now = sequence.tokens[static_cast<std::size_t>(*p)];
        all_masks = all_masks && now == vocabulary_.mask();
        all_kept = all_kept && now == original.tokens[static_cast<std::size_t>(*p)];
      }
      ++spans;
      masked_spans += all_masks;
      kept_spans += all_kept;
    }
  }
  EXPECT_EQ(spans, runs);
  // Far fewer runs than predictions: with tokens by themselves about 0.85 runs a prediction.
  EXPECT_LT(runs / predictions, 0.35);
  EXPECT_GT(masked_spans / spans, 0.74);  // 0.8, but for spans that touch
  EXPECT_LT(masked_spans / spans, 0.82);
  EXPECT_NEAR(kept_spans / spans, 0.1, 0.02);
  EXPECT_EQ(by_position[0] + by_position[62] + by_position[127], 0);
  // Every place has its turn; borders of a text less often, where fewer spans reach.
  for (std::size_t p = 1; p < 127; ++p) {
    if (p == 62) continue;
    EXPECT_GT(by_position[p] / kSequences, 0.06) << p;
    EXPECT_LT(by_position[p] / kSequences, 0.25) << p;
  }
}

// Words as any Chinese dictionary has them: we / in / Peking / university or Peking University /
// study / nature / language; and what is no Chinese stays as it is.
TEST_F(SpanMasking, ChineseWordsAreWhole) {
  const std::vector<std::string> characters{"\u6211", "\u4EEC", "\u5728", "\u5317",
                                            "\u4EAC", "\u5927", "\u5B66", "\u4E60",
                                            "\u81EA", "\u7136", "\u8BED", "\u8A00"};
  auto tokens = vocabulary_.tokens();
  tokens.insert(tokens.end(), characters.begin(), characters.end());
  const Vocabulary vocabulary(tokens, "test");
  std::vector<std::int32_t> text{vocabulary.cls()};
  const auto add = [&](const std::string& word) { text.push_back(vocabulary.find(word)); };
  for (const std::size_t i : {0, 1, 2, 3, 4, 5, 6, 6, 7}) add(characters[i]);
  add("w1000");
  add("##c1000");
  for (const std::size_t i : {8, 9}) add(characters[i]);
  text.push_back(vocabulary.sep());
  for (const std::size_t i : {10, 11}) add(characters[i]);
  text.push_back(vocabulary.sep());

  std::vector<std::pair<std::size_t, std::size_t>> words;
  for (const auto& word : ChineseWords(vocabulary).join(text, group_words(text, vocabulary))) {
    words.emplace_back(word.begin, word.end);
  }
  using Word = std::pair<std::size_t, std::size_t>;
  const std::vector<Word> all(words);
  for (const Word& known :
       {Word(1, 3), Word(3, 4), Word(8, 10), Word(10, 12), Word(12, 14), Word(15, 17)}) {
    EXPECT_NE(std::find(all.begin(), all.end(), known), all.end()) << known.first;
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    EXPECT_TRUE(words[i].first == words[i - 1].second || words[i].first == 15);
  }
  EXPECT_EQ(words.front().first, 1U);
  EXPECT_EQ(words.back().second, 17U);

  MaskingOptions options;
  options.strategy = MaskingStrategy::word;
  const Masker masker(vocabulary, options, 128);
  for (std::uint64_t key = 0; key < 200; ++key) {
    Sequence sequence{text, std::vector<std::int32_t>(text.size(), 0), {}, {}};
    Philox random(1, RandomPurpose::masking, key);
    masker.apply(sequence, random);
    check_form(sequence, vocabulary);
    const std::set<int> masked(sequence.masked_positions.begin(), sequence.masked_positions.end());
    EXPECT_EQ(masked.count(1), masked.count(2));
    EXPECT_EQ(masked.count(8), masked.count(9));
    EXPECT_EQ(masked.count(15), masked.count(16));
  }
}

}  // namespace
}  // namespace bertha
