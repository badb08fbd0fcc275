// Confusion and worst errors of made-up predictions.
#include "launch/test_errors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "launch/corpus_counts.h"

namespace bertha {
namespace {

const Vocabulary& vocabulary() {
  static const Vocabulary tokens(
      {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s", "dog"}, "test");
  return tokens;
}

EncodedExample example(std::vector<std::int32_t> tokens, std::vector<std::int32_t> labels) {
  EncodedExample encoded;
  encoded.tokens = std::move(tokens);
  encoded.labels = std::move(labels);
  return encoded;
}

// Logits ln 3 and 0 are probabilities 3/4 and 1/4.
const at::Tensor kFirst = at::tensor({1.0986122887f, 0.0f}).view({1, 2});
const at::Tensor kSurelyFirst = at::tensor({9.0f, 0.0f}).view({1, 2});

TEST(TestErrors, CountsByLabelAndRanksTheLeastLikelyFirst) {
  LabelledTaskDefinition definition;
  ExampleSet examples;
  examples.sequences = {example({2, 5, 6, 3}, {0}), example({2, 7, 3}, {1}),
                        example({2, 5, 3}, {1})};
  const Predictions predictions{kFirst, kFirst, kSurelyFirst};
  const std::vector<std::string> labels{"yes", "no"};
  const auto text = test_errors_json(definition, {examples, predictions, labels, vocabulary()});
  ASSERT_TRUE(text);
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json["confusion_matrix"],
            nlohmann::json({{"labels", {"yes", "no"}}, {"counts", {{1, 0}, {2, 0}}}}));
  ASSERT_EQ(json["worst_errors"].size(), 2U);
  EXPECT_EQ(json["worst_errors"][0]["text"], "cat");
  EXPECT_EQ(json["worst_errors"][1]["text"], "dog");
  EXPECT_EQ(json["worst_errors"][1]["label"], "no");
  EXPECT_EQ(json["worst_errors"][1]["predicted"], "yes");
  EXPECT_NEAR(json["worst_errors"][1]["probability"].get<double>(), 0.25, 1e-6);
}

// Of words: rows without a label do not count; a sentence is named once, for its worst word.
TEST(TestErrors, CountsWordsOfSentences) {
  LabelledTaskDefinition definition;
  ExampleSet examples;
  examples.sequences = {example({2, 5, 7, 3}, {-1, 1, 1, -1})};
  const Predictions predictions{at::cat({kFirst, kFirst, kSurelyFirst, kFirst})};
  const std::vector<std::string> labels{"O", "B-X"};
  const auto text = test_errors_json(definition, {examples, predictions, labels, vocabulary()});
  const auto json = nlohmann::json::parse(text.value());
  EXPECT_EQ(json["confusion_matrix"]["counts"], nlohmann::json({{0, 0}, {2, 0}}));
  ASSERT_EQ(json["worst_errors"].size(), 1U);
  EXPECT_LT(json["worst_errors"][0]["probability"].get<double>(), 0.001);
}

TEST(TestErrors, HasNothingToSayOfNumbers) {
  LabelledTaskDefinition definition;
  definition.loss = LossKind::mean_squared_error;
  const ExampleSet examples;
  EXPECT_FALSE(test_errors_json(definition, {examples, {}, {}, vocabulary()}));
}

TEST(LengthHistogram, CountsByPowersOfTwo) {
  LengthHistogram histogram;
  for (const std::uint64_t length : {4U, 5U, 7U, 8U, 33U}) histogram.add(length);
  const auto buckets = histogram.buckets();
  ASSERT_EQ(buckets.size(), 4U);  // 4-7, 8-15, 16-31 (none), 32-63
  EXPECT_EQ(buckets[0].from, 4U);
  EXPECT_EQ(buckets[0].to, 7U);
  EXPECT_EQ(buckets[0].count, 3U);
  EXPECT_EQ(buckets[2].count, 0U);
  EXPECT_EQ(buckets[3].count, 1U);
  LengthHistogram empty;
  EXPECT_TRUE(empty.buckets().empty());
  empty.add(0);
  EXPECT_EQ(empty.buckets().front().from, 1U);
}

}  // namespace
}  // namespace bertha
