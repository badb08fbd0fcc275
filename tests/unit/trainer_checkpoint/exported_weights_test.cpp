// Weights by class of Transformers, and by token for another vocabulary.
#include "trainer/checkpoint/exported_weights.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/checkpoint/vocabulary_rows.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kWords = "bert.embeddings.word_embeddings.weight";

std::vector<std::string> names_in(const std::string& architecture,
                                  const std::vector<NamedTensor>& weights) {
  std::vector<std::string> names;
  for (const auto& weight : weights_of_class(architecture, weights)) names.push_back(weight.name);
  return names;
}

TEST(ExportedWeights, AreThoseOfTheClass) {
  const auto x = at::ones({1});
  const std::vector<NamedTensor> weights{{kWords, x},
                                         {"bert.encoder.layer.0.output.dense.weight", x},
                                         {"bert.pooler.dense.weight", x},
                                         {"cls.predictions.bias", x},
                                         {"cls.seq_relationship.weight", x}};
  EXPECT_THAT(names_in("BertModel", weights),
              ElementsAre("embeddings.word_embeddings.weight",
                          "encoder.layer.0.output.dense.weight", "pooler.dense.weight"));
  EXPECT_THAT(
      names_in("BertForMaskedLM", weights),
      ElementsAre(kWords, "bert.encoder.layer.0.output.dense.weight", "cls.predictions.bias"));
  EXPECT_THAT(names_in("BertForNextSentencePrediction", weights),
              ElementsAre(kWords, "bert.encoder.layer.0.output.dense.weight",
                          "bert.pooler.dense.weight", "cls.seq_relationship.weight"));
  EXPECT_EQ(names_in("BertForPreTraining", weights).size(), weights.size());
  EXPECT_THAT(error_of([&] {
                weights_of_class("BertForNextSentencePrediction", {weights[0], weights[2]});
              }),
              HasSubstr("no cls.seq_relationship.weight, which a BertForNextSentencePrediction"));
  EXPECT_THAT(error_of([&] { weights_of_class("BertModel", {weights[0]}); }),
              HasSubstr("no bert.pooler.dense.weight"));
}

TEST(VocabularyRows, FollowTheirTokens) {
  const auto theirs = at::arange(10, at::kFloat).view({5, 2});
  const auto bias = at::arange(5, at::kFloat);
  const auto fresh = at::full({4, 2}, -1.0F), fresh_bias = at::zeros({4});
  std::vector<NamedTensor> source{
      {kWords, theirs.to(at::kHalf)}, {"cls.predictions.bias", bias}, {"bert.encoder.a", theirs}};
  const std::vector<NamedTensor> destination{
      {kWords, fresh}, {"cls.predictions.bias", fresh_bias}, {"bert.encoder.a", theirs.clone()}};
  rearrange_vocabulary(source, destination, {3, -1, 0, 7});
  EXPECT_TRUE(
      at::equal(source[0].tensor,
                at::tensor({6.0F, 7.0F, -1.0F, -1.0F, 0.0F, 1.0F, -1.0F, -1.0F}).view({4, 2})));
  EXPECT_TRUE(at::equal(source[1].tensor, at::tensor({3.0F, 0.0F, 0.0F, 0.0F})));
  EXPECT_TRUE(at::equal(source[2].tensor, theirs));
  EXPECT_TRUE(fresh.eq(-1).all().item<bool>()) << "the model's own weights are only looked at";
}

TEST(VocabularyRows, LeaveWhatDoesNotFitToTheError) {
  std::vector<NamedTensor> source{{kWords, at::ones({5, 3})},
                                  {"cls.predictions.bias", at::ones({})}};
  const std::vector<NamedTensor> destination{{kWords, at::ones({4, 2})}};
  rearrange_vocabulary(source, destination, {0, 1, 2, 3});
  EXPECT_EQ(source[0].tensor.sizes(), (std::vector<std::int64_t>{5, 3}));
  EXPECT_EQ(source[1].tensor.dim(), 0);
  std::vector<NamedTensor> none;
  rearrange_vocabulary(none, destination, {});
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace bertha
