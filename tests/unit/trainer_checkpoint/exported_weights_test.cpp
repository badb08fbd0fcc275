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

// The heads of Transformers' modeling_bert.py.
TEST(ExportedWeights, TellTheirClass) {
  const std::string pooler = "bert.pooler.dense.weight";
  EXPECT_EQ(class_of_names({"embeddings.word_embeddings.weight", "pooler.dense.weight"}),
            "BertModel");
  EXPECT_EQ(class_of_names({kWords}), "BertModel");
  EXPECT_EQ(class_of_names({kWords, "cls.predictions.bias"}), "BertForMaskedLM");
  EXPECT_EQ(class_of_names({pooler, "cls.seq_relationship.bias"}), "BertForNextSentencePrediction");
  EXPECT_EQ(class_of_names({"cls.predictions.bias", pooler, "cls.seq_relationship.bias"}),
            "BertForPreTraining");
  EXPECT_EQ(class_of_names({"bert.pooler.dense_act.weight", "classifier.weight"}),
            "BertForSequenceClassification");
  EXPECT_EQ(class_of_names({kWords, "classifier.bias"}), "BertForTokenClassification");
  EXPECT_EQ(class_of_names({kWords, "qa_outputs.bias"}), "BertForQuestionAnswering");
}

// modeling_auto.py's tables for "bert".
TEST(ExportedWeights, AreOpenedByTheAutoClassOfTheirOwn) {
  EXPECT_EQ(auto_class_of("BertModel"), "AutoModel");
  for (const char* form :
       {"ForPreTraining", "ForMaskedLM", "ForNextSentencePrediction", "ForSequenceClassification",
        "ForTokenClassification", "ForQuestionAnswering", "ForMultipleChoice"}) {
    EXPECT_EQ(auto_class_of(std::string("Bert") + form), std::string("AutoModel") + form);
  }
  EXPECT_EQ(auto_class_of("BertLMHeadModel"), "AutoModelForCausalLM");
  EXPECT_EQ(auto_class_of("BertOfMine"), "AutoModel");
}

TEST(ExportedWeights, HaveNamesThatTheirClassKnows) {
  EXPECT_TRUE(are_names_of_class("BertForPreTraining", {kWords, "cls.predictions.bias"}));
  EXPECT_TRUE(are_names_of_class("BertModel", {"pooler.dense.weight"}));
  EXPECT_TRUE(are_names_of_class("BertModel", {"bert.pooler.dense.weight"}));
  EXPECT_FALSE(are_names_of_class("BertForPreTraining", {kWords, "pooler.dense.weight"}));
  for (const char* name :
       {"bert.pooler.dense_act.weight", "bert.embeddings.LayerNorm.gamma",
        "bert.embeddings.LayerNorm.beta", "embeddings.position_ids", "pooler.dense_act.bias"}) {
    EXPECT_FALSE(are_names_of_class("BertModel", {kWords, name})) << name;
  }
}

TEST(ExportedWeights, AreNamedForTheirClass) {
  const std::vector<NamedTensor> weights{{kWords, at::ones({1})}, {"cls.x", at::ones({1})}};
  const auto name_in = [&](const char* architecture, std::size_t i) {
    return with_names_of_class(architecture, weights)[i].name;
  };
  EXPECT_EQ(name_in("BertModel", 0), "embeddings.word_embeddings.weight");
  EXPECT_EQ(name_in("BertModel", 1), "cls.x");
  EXPECT_EQ(name_in("BertForMaskedLM", 0), kWords);
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
