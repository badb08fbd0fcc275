// Confusion and worst errors of made-up predictions.
#include "launch/test_errors.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "launch/corpus_counts.h"

namespace bertha {
namespace {

EncodedExample example(std::vector<std::int32_t> labels, std::vector<float> values = {}) {
  EncodedExample encoded;
  encoded.labels = std::move(labels);
  encoded.values = std::move(values);
  return encoded;
}

ExampleSet set_of(std::vector<EncodedExample> sequences, Mistakes mistakes = {}) {
  ExampleSet examples;
  examples.sequences = std::move(sequences);
  examples.mistakes = [mistakes](const ExampleSet&, const Predictions&) { return mistakes; };
  return examples;
}

at::Tensor row(std::vector<float> outputs) {
  return at::tensor(outputs).view({1, -1});
}

const std::vector<std::string> kLabels{"yes", "no"};

nlohmann::json errors_of(LossKind loss, const ExampleSet& examples,
                         const Predictions& predictions) {
  LabelledTaskDefinition definition;
  definition.loss = loss;
  return nlohmann::json::parse(test_errors_json(definition, {examples, predictions, kLabels}));
}

TEST(TestErrors, CountsByLabel) {
  const auto json =
      errors_of(LossKind::cross_entropy, set_of({example({0}), example({1}), example({1})}),
                {row({1, 0}), row({1, 0}), row({9, 0})});
  EXPECT_EQ(json["confusion_matrix"],
            nlohmann::json({{"labels", {"yes", "no"}}, {"counts", {{1, 0}, {2, 0}}}}));
  EXPECT_TRUE(json["worst_errors"].empty());
}

// Of words: rows without a label do not count.
TEST(TestErrors, CountsWordsOfSentences) {
  const auto json = errors_of(LossKind::cross_entropy, set_of({example({-1, 1, 1, -1})}),
                              {at::cat({row({1, 0}), row({1, 0}), row({9, 0}), row({1, 0})})});
  EXPECT_EQ(json["confusion_matrix"]["counts"], nlohmann::json({{0, 0}, {2, 0}}));
}

// scikit-learn 1.9: multilabel_confusion_matrix([[1,0],[1,1],[0,0]], [[1,1],[0,1],[0,0]])
TEST(TestErrors, CountsEachOfSeveralLabels) {
  const auto json =
      errors_of(LossKind::binary_cross_entropy,
                set_of({example({}, {1, 0}), example({}, {1, 1}), example({}, {0, 0})}),
                {row({2, 0.5f}), row({-1, 3}), row({0, -1})});
  EXPECT_FALSE(json.contains("confusion_matrix"));
  EXPECT_EQ(json["label_counts"]["labels"], nlohmann::json({"yes", "no"}));
  EXPECT_EQ(json["label_counts"]["counts"], nlohmann::json({{{1, 0}, {1, 1}}, {{1, 1}, {0, 1}}}));
}

TEST(TestErrors, RanksTheWorstFirst) {
  Mistakes mistakes;
  for (int i = 0; i < 30; ++i) {
    mistakes.rows.push_back({fmt::format("text {}", i), "yes", "no", (i * 7) % 30 / 100.0});
  }
  auto list = errors_of(LossKind::span, set_of({}, mistakes), {})["worst_errors"];
  ASSERT_EQ(list.size(), 20U);
  EXPECT_EQ(list[0]["text"], "text 0");
  EXPECT_EQ(list[1]["text"], "text 13");  // 7 * 13 = 91
  EXPECT_EQ(list[1]["probability"], 0.01);
  mistakes.measure = "error";
  mistakes.largest_is_worst = true;
  list = errors_of(LossKind::mean_squared_error, set_of({}, mistakes), {})["worst_errors"];
  EXPECT_EQ(list[0]["text"], "text 17");  // 7 * 17 = 119
  EXPECT_EQ(list[0]["error"], 0.29);
}

TEST(TestErrors, CutsLongTextsBetweenCharacters) {
  Mistakes mistakes;
  mistakes.rows = {{std::string(400, 'a') + " " + std::string(400, 'b'), "", "", 0},
                   {"", "", "", 0}};
  for (int i = 0; i < 500; ++i) mistakes.rows[1].text += "\u00fc";
  const auto list = errors_of(LossKind::span, set_of({}, mistakes), {})["worst_errors"];
  EXPECT_EQ(list[0]["text"], std::string(400, 'a') + " ...");
  EXPECT_EQ(list[1]["text"].get<std::string>().size(), 604U);
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
