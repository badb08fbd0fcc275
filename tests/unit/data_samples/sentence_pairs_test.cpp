// Pairs of a document: every sentence once, cut and paired as BERT does.
#include "data_pipeline/samples/sentence_pairs.h"

#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

using Lengths = std::vector<std::uint32_t>;

std::uint64_t hundred_sentences(std::uint64_t) {
  return 100;
}

Lengths random_lengths(std::uint64_t stream, std::uint64_t most_sentences,
                       std::uint64_t most_tokens) {
  Philox random(17, RandomPurpose::sample_order, stream);
  Lengths lengths(1 + random.next_below(most_sentences));
  for (auto& length : lengths)
    length = static_cast<std::uint32_t>(1 + random.next_below(most_tokens));
  return lengths;
}

std::uint64_t tokens_of(const Lengths& lengths, std::uint64_t begin, std::uint64_t end) {
  return std::accumulate(lengths.begin() + static_cast<std::ptrdiff_t>(begin),
                         lengths.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
}

// Walks the plans and checks what holds for each; returns how many B are random.
int check_pairs(std::uint64_t document, const Lengths& lengths, const PairOptions& options) {
  const auto plans = plan_document(document, lengths, 50, hundred_sentences, options);
  std::uint64_t next = 0;  // sentence
  int random = 0;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto& plan = plans[i];
    EXPECT_EQ(plan.document, document);
    EXPECT_EQ(plan.document_sample, i);
    EXPECT_EQ(plan.a_begin, next);
    EXPECT_GT(plan.a_end, plan.a_begin);
    EXPECT_TRUE(plan.has_b);
    EXPECT_EQ(plan.max_tokens, options.sequence_length - 3);
    next = plan.a_end;
    if (plan.random_b) {
      ++random;
      EXPECT_NE(plan.b_document, document);
      EXPECT_LT(plan.b_document, 50U);
      EXPECT_LT(plan.b_begin, plan.b_end);
      EXPECT_LE(plan.b_end, 100U);
      EXPECT_GE(plan.b_tokens, 1);
    } else {
      EXPECT_EQ(plan.b_document, document);
      EXPECT_EQ(plan.b_begin, plan.a_end);
      EXPECT_GT(plan.b_end, plan.b_begin);
      next = plan.b_end;
      // Whole chunk: all but its last sentence are below the aim, which is at most the maximum.
      EXPECT_LT(tokens_of(lengths, plan.a_begin, plan.b_end - 1),
                static_cast<std::uint64_t>(plan.max_tokens));
    }
  }
  EXPECT_EQ(next, lengths.size());
  return random;
}

TEST(SentencePairs, EverySentenceStandsOnce) {
  for (std::uint64_t d = 0; d < 50; ++d) {
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      PairOptions options{64, true, 0.1, 5, epoch};
      check_pairs(d, random_lengths(d, 80, 1 + d * 3), options);
    }
  }
}

TEST(SentencePairs, ManyShortSentencesAreBalanced) {
  const Lengths lengths(40'000, 10);
  PairOptions options{128, true, 0, 1, 0};
  const int random = check_pairs(3, lengths, options);
  const auto samples = plan_document(3, lengths, 50, hundred_sentences, options).size();
  // Only the last chunk may be a single sentence.
  EXPECT_TRUE(binomial(random, static_cast<double>(samples), 0.5)) << samples;
}

// Google's algorithm, written anew in Python (random.Random(1), 400,000 documents of 20 sentences
// of 30 tokens, sequence length 128, no short sequences), gives 5.9894 samples a document (standard
// deviation 1.1100), of which a share of 0.53576 has a random B: a last sentence stands alone.
TEST(SentencePairs, AgreesWithBertsCodeOnRates) {
  const Lengths lengths(20, 30);
  constexpr std::uint64_t kDocuments = 20'000;
  double samples = 0, random = 0;
  for (std::uint64_t d = 0; d < kDocuments; ++d) {
    for (const auto& plan :
         plan_document(d, lengths, kDocuments, hundred_sentences, {128, true, 0, 1, 0})) {
      ++samples;
      random += plan.random_b;
    }
  }
  EXPECT_NEAR(samples / kDocuments, 5.9894, 5 * 1.1100 / std::sqrt(kDocuments));
  EXPECT_TRUE(binomial(random, samples, 0.53576));
}

TEST(SentencePairs, TheCutIsUniform) {
  const Lengths lengths(100'000, 25);  // five sentences make 125 tokens, the maximum
  int cuts[4] = {}, following = 0;
  for (const auto& plan : plan_document(0, lengths, 2, hundred_sentences, {128, true, 0, 9, 0})) {
    if (plan.random_b || plan.b_end - plan.a_begin != 5) continue;
    ++following;
    ++cuts[plan.a_end - plan.a_begin - 1];
  }
  EXPECT_GT(following, 10'000);
  for (const int count : cuts) EXPECT_TRUE(binomial(count, following, 0.25));
}

TEST(SentencePairs, AShareOfSamplesIsShort) {
  const Lengths lengths(2'000'000, 1);  // one token a sentence: every aim is met exactly
  double samples = 0, below = 0, sum = 0;
  for (const auto& plan : plan_document(1, lengths, 9, hundred_sentences, {128, true, 0.1, 4, 0})) {
    const int tokens = plan.expected_tokens - 3;
    ++samples;
    ASSERT_GE(tokens, 2);
    ASSERT_LE(tokens, 125);
    if (tokens == 125) continue;
    ++below;
    sum += tokens;
  }
  // Uniform in [2, 125], so one in 124 short ones is not shorter.
  EXPECT_TRUE(binomial(below, samples, 0.1 * 123 / 124));
  EXPECT_NEAR(sum / below, 63, 5 * 35.5 / std::sqrt(below));  // deviation of uniform [2, 124]
}

TEST(SentencePairs, RandomTextsComeFromEverywhereElse) {
  const Lengths lengths(20'000, 60);
  std::vector<double> documents(10), begins(100);
  double random = 0;
  for (const auto& plan :
       plan_document(4, lengths, 10, hundred_sentences, {128, true, 0.1, 4, 0})) {
    if (!plan.random_b) continue;
    ++random;
    ++documents[plan.b_document];
    ++begins[plan.b_begin];
  }
  EXPECT_EQ(documents[4], 0);
  for (std::size_t d = 0; d < 10; ++d) {
    if (d != 4) {
      EXPECT_TRUE(binomial(documents[d], random, 1.0 / 9)) << d;
    }
  }
  for (const double count : begins) EXPECT_TRUE(binomial(count, random, 0.01));
}

TEST(SentencePairs, EpochsSeedsAndDocumentsDiffer) {
  const Lengths lengths(300, 20);
  const auto plans = [&](std::uint64_t document, std::uint64_t seed, std::uint32_t epoch) {
    auto result =
        plan_document(document, lengths, 50, hundred_sentences, {128, true, 0.1, seed, epoch});
    for (auto& plan : result) plan.document = 0;
    return result;
  };
  EXPECT_EQ(plans(1, 2, 3), plans(1, 2, 3));
  EXPECT_NE(plans(1, 2, 3), plans(2, 2, 3));
  EXPECT_NE(plans(1, 2, 3), plans(1, 3, 3));
  EXPECT_NE(plans(1, 2, 3), plans(1, 2, 4));
}

TEST(SentencePairs, PlanningMayBeginAnywhere) {
  for (const bool pairs : {true, false}) {
    const auto lengths = random_lengths(8, 400, 40);
    const PairOptions options{64, pairs, 0.1, 6, 2};
    const SentencesIn sentences_in = hundred_sentences;
    const auto plans = plan_document(7, lengths, 30, sentences_in, options);
    std::vector<std::uint64_t> borders(lengths.size() + 1);
    for (std::size_t s = 0; s < lengths.size(); ++s) borders[s + 1] = borders[s] + lengths[s];
    const SentenceBorders sentences(borders);
    std::vector<DocumentPlanner::Place> places;
    DocumentPlanner skipping(7, sentences, 30, sentences_in, options);
    while (!skipping.done()) {
      places.push_back(skipping.place());
      skipping.skip();
    }
    ASSERT_EQ(places.size(), plans.size());
    for (std::size_t i = plans.size(); i-- > 0;) {
      DocumentPlanner planner(7, sentences, 30, sentences_in, options);
      planner.seek(places[i]);
      EXPECT_EQ(planner.next(), plans[i]);
    }
  }
}

TEST(SentencePairs, OneDocumentPairsWithItself) {
  const SentencesIn never = [](std::uint64_t) -> std::uint64_t {
    ADD_FAILURE() << "there is no other document";
    return 1;
  };
  EXPECT_TRUE(plan_document(0, Lengths{7}, 1, never, {64, true, 0.1, 1, 0}).empty());
  int random = 0;
  for (std::uint64_t d = 0; d < 300; ++d) {
    auto lengths = random_lengths(d, 12, 40);
    lengths.push_back(3);
    std::uint64_t next = 0;
    for (const auto& plan : plan_document(0, lengths, 1, never, {64, true, 0.1, d, 0})) {
      EXPECT_EQ(plan.a_begin, next);
      next = plan.random_b ? plan.a_end : plan.b_end;
      ASSERT_LT(plan.b_begin, plan.b_end);
      ASSERT_LE(plan.b_end, lengths.size());
      if (!plan.random_b) continue;
      ++random;
      EXPECT_NE(plan.b_begin, plan.a_end);
      EXPECT_TRUE(plan.b_end <= plan.a_begin || plan.b_begin > plan.a_end);
    }
    EXPECT_EQ(next, lengths.size());
  }
  EXPECT_GT(random, 300);
}

TEST(SingleTexts, AreWholeSentencesUpToTheMaximum) {
  for (std::uint64_t d = 0; d < 40; ++d) {
    const auto lengths = random_lengths(d, 100, 1 + d * 3);
    std::uint64_t next = 0;
    const auto plans = plan_document(d, lengths, 1, hundred_sentences, {64, false, 0, 1, 0});
    for (const auto& plan : plans) {
      EXPECT_FALSE(plan.has_b);
      EXPECT_FALSE(plan.random_b);
      EXPECT_EQ(plan.max_tokens, 62);
      EXPECT_EQ(plan.a_begin, next);
      ASSERT_GT(plan.a_end, plan.a_begin);
      const auto tokens = tokens_of(lengths, plan.a_begin, plan.a_end);
      if (plan.a_end - plan.a_begin > 1) {
        EXPECT_LE(tokens, 62U);
      }
      EXPECT_EQ(plan.expected_tokens, static_cast<int>(std::min<std::uint64_t>(tokens, 62)) + 2);
      // Full: the next sentence did not fit.
      if (plan.a_end < lengths.size()) {
        EXPECT_GT(tokens + lengths[plan.a_end], 62U);
      }
      next = plan.a_end;
    }
    EXPECT_EQ(next, lengths.size());
  }
}

TEST(SingleTexts, MayBeShort) {
  const Lengths lengths(500'000, 1);
  double samples = 0, below = 0;
  for (const auto& plan : plan_document(1, lengths, 1, hundred_sentences, {64, false, 0.3, 4, 0})) {
    ++samples;
    below += plan.expected_tokens < 64;
  }
  EXPECT_TRUE(binomial(below, samples, 0.3 * 60 / 61));
}

}  // namespace
}  // namespace bertha
