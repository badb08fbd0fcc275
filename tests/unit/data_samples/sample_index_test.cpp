// The index finds the samples of an epoch in a corpus on disk; the builder reads them.
#include "data_pipeline/samples/sample_index.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/samples/sample_builder.h"
#include "parallel/base/error.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

std::uint64_t sum(const std::vector<std::uint32_t>& lengths, std::uint64_t begin,
                  std::uint64_t end) {
  return std::accumulate(lengths.begin() + static_cast<std::ptrdiff_t>(begin),
                         lengths.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
}

// A planner knows how long a random B is to be; where it ends its document tells.
SamplePlan with_end_of_b(const Corpus& corpus, SamplePlan plan) {
  if (!plan.random_b) return plan;
  std::vector<std::uint32_t> a, b;
  corpus.sentence_lengths(plan.document, a);
  corpus.sentence_lengths(plan.b_document, b);
  const auto latest = plan.b_end;
  plan.b_end = plan.b_begin;
  while (plan.b_end < latest &&
         sum(b, plan.b_begin, plan.b_end) < static_cast<std::uint64_t>(plan.b_tokens)) {
    ++plan.b_end;
  }
  const auto tokens = sum(a, plan.a_begin, plan.a_end) + sum(b, plan.b_begin, plan.b_end);
  plan.expected_tokens = std::min(static_cast<int>(tokens), plan.max_tokens) + 3;
  return plan;
}

std::vector<SamplePlan> all_plans(const Corpus& corpus, const DataConfig& config,
                                  std::uint64_t seed, std::uint32_t epoch) {
  std::vector<SamplePlan> plans;
  std::vector<std::uint32_t> lengths;
  for (std::uint64_t d = 0; d < corpus.documents(); ++d) {
    corpus.sentence_lengths(d, lengths);
    const auto of_document = plan_document(d, lengths, corpus.documents(),
                                           [&](std::uint64_t o) { return corpus.sentences_in(o); },
                                           {config.sequence_length, config.next_sentence,
                                            config.short_sequence_probability, seed, epoch});
    for (const auto& plan : of_document) plans.push_back(with_end_of_b(corpus, plan));
  }
  return plans;
}

// One by one and several at once.
void expect_same(const SampleIndex& index, const std::vector<SamplePlan>& plans,
                 std::uint64_t stride) {
  ASSERT_EQ(index.size(), plans.size());
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < index.size(); i += stride) {
    ASSERT_EQ(index.plan(i), plans[i]) << i;
    numbers.push_back(i);
  }
  std::vector<SamplePlan> together;
  for (std::size_t begin = 0; begin < numbers.size(); begin += 7) {
    const auto some =
        std::span(numbers).subspan(begin).first(std::min<std::size_t>(7, numbers.size() - begin));
    index.plan(some, together);
    ASSERT_EQ(together.size(), some.size());
    for (std::size_t i = 0; i < some.size(); ++i) ASSERT_EQ(together[i], plans[some[i]]) << some[i];
  }
}

TEST(SampleIndex, FindsEverySample) {
  const TestFolder folder;
  const auto vocabulary = test_vocabulary(2000);
  write_corpus(folder.path(), vocabulary, {{"train", telling_documents(200, 12, 40)}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::full);
  for (const bool pairs : {true, false}) {
    DataConfig config;
    config.sequence_length = 48;
    config.next_sentence = pairs;
    for (const int workers : {1, 3}) {
      config.workers = workers;
      const SampleIndex index(corpus, config, 3, 1);
      EXPECT_EQ(index.epoch(), 1U);
      expect_same(index, all_plans(corpus, config, 3, 1), 1);
    }
  }
}

TEST(SampleIndex, EntersLongDocumentsAtMarks) {
  const TestFolder folder;
  const auto vocabulary = test_vocabulary(10);
  std::vector<TestDocument> documents(4, TestDocument(3, {kFirstWord, kFirstWord}));
  documents[1].resize(40'000, std::vector<std::int32_t>(9, kFirstWord + 1));
  documents[2].resize(2'000, std::vector<std::int32_t>(7, kFirstWord + 2));
  write_corpus(folder.path(), vocabulary, {{"train", documents}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::quick);
  DataConfig config;
  config.sequence_length = 32;
  const SampleIndex index(corpus, config, 9, 0);
  expect_same(index, all_plans(corpus, config, 9, 0), 7);
}

TEST(SampleIndex, RefusesSequencesThatHoldNoPair) {
  const TestFolder folder;
  write_corpus(folder.path(), test_vocabulary(200), {{"train", telling_documents(3, 3, 3)}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::quick);
  DataConfig config;
  config.sequence_length = 4;
  try {
    SampleIndex(corpus, config, 1, 0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("data.sequence_length is 4"));
  }
}

TEST(TrimPair, CutsTheLongerTextAtBothEnds) {
  double front = 0, cut = 0;
  for (std::uint64_t s = 0; s < 400; ++s) {
    TokenRange a{0, 100}, b{1000, 1100};
    Philox random(1, RandomPurpose::sentence_pairs, s);
    trim_pair(a, b, 125, random);
    // Equal texts: B loses first, so it loses 38 and A 37.
    ASSERT_EQ(a.size(), 63U);
    ASSERT_EQ(b.size(), 62U);
    ASSERT_LE(a.end, 100U);
    ASSERT_LE(b.end, 1100U);
    front += static_cast<double>(a.begin + b.begin - 1000);
    cut += 75;
  }
  EXPECT_TRUE(binomial(front, cut, 0.5));
  TokenRange longer{0, 200}, shorter{300, 320};
  Philox random(1, RandomPurpose::sentence_pairs, 0);
  trim_pair(shorter, longer, 125, random);
  EXPECT_EQ(shorter.size(), 20U);
  EXPECT_EQ(longer.size(), 105U);
  trim_pair(shorter, longer, 125, random);
  EXPECT_EQ(longer.size(), 105U);
}

LabelledSequence built(const SampleBuilder& builder, const SamplePlan& plan, std::uint64_t number,
                       std::uint32_t epoch) {
  LabelledSequence sample;
  builder.build(plan, number, epoch, sample);
  return sample;
}

// Everything a builder makes of one epoch, checked against the documents.
class SampleBuilding : public ::testing::TestWithParam<bool> {};

TEST_P(SampleBuilding, HoldsEverySentenceOnce) {
  const TestFolder folder;
  const auto vocabulary = test_vocabulary(2000);
  const auto documents = telling_documents(100, 10, 20);
  std::map<std::int32_t, std::size_t> document_of;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    for (const auto& sentence : documents[d]) document_of[sentence[0]] = d;
  }
  write_corpus(folder.path(), vocabulary, {{"train", documents}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::full);
  DataConfig config;
  config.sequence_length = 64;
  config.next_sentence = GetParam();
  config.short_sequence_probability = 0;
  const SampleIndex index(corpus, config, 1, 2);
  const SampleBuilder builder(corpus, config, 1);
  std::set<std::int32_t> seen;
  int random_b = 0;
  for (std::uint64_t n = 0; n < index.size(); ++n) {
    const auto plan = index.plan(n);
    const auto sample = built(builder, plan, n, 2);
    EXPECT_EQ(sample.sample_number, n);
    const auto tokens = unmasked(sample.sequence);
    ASSERT_LE(tokens.size(), 64U);
    ASSERT_EQ(tokens.size(), static_cast<std::size_t>(plan.expected_tokens));
    EXPECT_EQ(std::count(tokens.begin(), tokens.end(), vocabulary.sep()), GetParam() ? 2 : 1);
    EXPECT_EQ(tokens[0], vocabulary.cls());
    EXPECT_EQ(tokens.back(), vocabulary.sep());
    std::set<std::int32_t> own;
    for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
      if (tokens[i] == vocabulary.sep()) continue;
      const bool of_random_b = sample.next_sentence == 1 && sample.sequence.segments[i] == 1;
      EXPECT_EQ(document_of.at(tokens[i]) == plan.document, !of_random_b);
      if (of_random_b) {
        EXPECT_EQ(document_of.at(tokens[i]), plan.b_document);
      } else {
        own.insert(tokens[i]);
      }
    }
    random_b += sample.next_sentence;
    for (const auto token : own) EXPECT_TRUE(seen.insert(token).second) << "twice";
  }
  std::size_t sentences = 0;
  for (const auto& document : documents) sentences += document.size();
  // Trimming can take a whole sentence off a pair's end; nothing trims a single text here.
  if (!GetParam()) {
    EXPECT_EQ(seen.size(), sentences);
  }
  EXPECT_GT(seen.size(), sentences * 9 / 10);
  EXPECT_EQ(random_b > 0, GetParam());
}
INSTANTIATE_TEST_SUITE_P(PairsAndTexts, SampleBuilding, ::testing::Bool());

TEST(SampleBuilder, MasksAnewInEveryEpoch) {
  const TestFolder folder;
  const auto vocabulary = test_vocabulary(2000);
  write_corpus(folder.path(), vocabulary, {{"train", telling_documents(20, 6, 20)}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::full);
  const DataConfig config;
  const SampleIndex index(corpus, config, 1, 0);
  const SampleBuilder builder(corpus, config, 1), other_seed(corpus, config, 2);
  int same_epoch = 0, same_seed = 0;
  for (std::uint64_t n = 0; n < index.size(); ++n) {
    const auto plan = index.plan(n);
    const auto first = built(builder, plan, n, 0), again = built(builder, plan, n, 0);
    EXPECT_EQ(first.sequence.tokens, again.sequence.tokens);
    EXPECT_EQ(first.sequence.masked_positions, again.sequence.masked_positions);
    const auto& positions = first.sequence.masked_positions;
    same_epoch += positions == built(builder, plan, n, 1).sequence.masked_positions;
    same_seed += positions == built(other_seed, plan, n, 0).sequence.masked_positions;
  }
  EXPECT_LT(same_epoch, static_cast<int>(index.size()) / 10 + 1);
  EXPECT_LT(same_seed, static_cast<int>(index.size()) / 10 + 1);
}

TEST(SampleBuilder, LongSingleTextsKeepAWindow) {
  const TestFolder folder;
  std::vector<TestDocument> documents(200);
  for (auto& document : documents) {
    document.resize(1);
    for (int i = 0; i < 300; ++i) document[0].push_back(kFirstWord + i);
  }
  write_corpus(folder.path(), test_vocabulary(400), {{"train", documents}});
  const Corpus corpus(folder.path(), "train", VerifyLevel::off);  // its shards are the same
  DataConfig config;
  config.sequence_length = 102;
  config.next_sentence = false;
  const SampleIndex index(corpus, config, 1, 0);
  const SampleBuilder builder(corpus, config, 1);
  ASSERT_EQ(index.size(), 200U);
  std::set<std::int32_t> begins;
  for (std::uint64_t n = 0; n < index.size(); ++n) {
    const auto tokens = unmasked(built(builder, index.plan(n), n, 0).sequence);
    ASSERT_EQ(tokens.size(), 102U);
    for (std::size_t i = 2; i < 101; ++i) EXPECT_EQ(tokens[i], tokens[i - 1] + 1);
    begins.insert(tokens[1]);
  }
  EXPECT_GT(begins.size(), 80U);  // of 201 places in 200 draws: 126 expected
}

}  // namespace
}  // namespace bertha
