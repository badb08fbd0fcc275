// Losses of fine-tuning: sums worked out by hand, targets that do not fit.
#include "trainer/tasks/labelled_loss.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "trainer/tasks/labelled/class_weights.h"

namespace bertha {
namespace {

struct Targets {
  std::vector<std::int32_t> labels = {};
  std::vector<float> values = {};
  std::vector<std::int32_t> offsets = {};
};

LossSum loss(LossKind kind, const at::Tensor& outputs, const Targets& targets) {
  return labelled_loss(kind, outputs, {targets.labels, targets.values, targets.offsets, {}});
}

TEST(LabelledLoss, CrossEntropyPassesRowsWithoutALabelOver) {
  const auto outputs = at::tensor({0.0F, 0.0F, 5.0F, -5.0F, 0.0F, 0.0F}).view({3, 2});
  const auto sum = loss(LossKind::cross_entropy, outputs, {.labels = {1, -1, 0}});
  EXPECT_NEAR(sum.loss.item<double>(), 2 * std::log(2.0), 1e-6);
  EXPECT_EQ(sum.correct.item<int>(), 1);  // of equal outputs the first is taken
  EXPECT_EQ(loss_terms(LossKind::cross_entropy, 2, 1, 2), 2);
  const auto none = loss(LossKind::cross_entropy, outputs, {.labels = {-1, -1, -1}});
  EXPECT_EQ(none.loss.item<double>(), 0);
  EXPECT_EQ(none.correct.item<int>(), 0);
}

TEST(LabelledLoss, SquaredErrorAndBinaryCrossEntropy) {
  const auto outputs = at::tensor({1.0F, -2.0F}).view({2, 1});
  EXPECT_NEAR(
      loss(LossKind::mean_squared_error, outputs, {.values = {0.0F, 1.0F}}).loss.item<double>(),
      1 + 9, 1e-6);
  EXPECT_EQ(loss_terms(LossKind::mean_squared_error, 0, 2, 1), 2);
  const auto wide = at::tensor({0.0F, 3.0F, -3.0F, 0.5F}).view({2, 2});
  const auto sum = loss(LossKind::binary_cross_entropy, wide, {.values = {1, 1, 0, 0}});
  const auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  EXPECT_NEAR(sum.loss.item<double>(), std::log(2.0) + softplus(-3) + softplus(-3) + softplus(0.5),
              1e-6);
  EXPECT_EQ(sum.correct.item<int>(), 2);
  EXPECT_EQ(loss_terms(LossKind::binary_cross_entropy, 0, 2, 2), 4);
}

// Start and end are chosen among the rows of their own sequence, however long others are.
TEST(LabelledLoss, SpansStayWithinTheirSequence) {
  auto outputs = at::zeros({5, 2});
  outputs.requires_grad_(true);
  const auto sum = loss(LossKind::span, outputs, {.labels = {0, 1, 2, -1}, .offsets = {0, 2, 5}});
  EXPECT_NEAR(sum.loss.item<double>(), 2 * std::log(2.0) + std::log(3.0), 1e-6);
  EXPECT_EQ(sum.correct.item<int>(), 1);
  sum.loss.backward();
  const auto& gradient = outputs.grad();
  EXPECT_TRUE(at::isfinite(gradient).all().item<bool>());
  EXPECT_NEAR(gradient[0][0].item<double>(), -0.5, 1e-6);
  EXPECT_NEAR(gradient[4][0].item<double>(), 1.0 / 3 - 1, 1e-6);
  EXPECT_EQ(gradient[4][1].item<double>(), 0);  // no end is learnt
}

TEST(ClassWeights, AreTakenInOrderOrByName) {
  const std::vector<std::string> labels{"no", "yes: sure", "yes"};
  for (const auto& weights : {class_weights, positive_weights}) {
    EXPECT_EQ(weights("1, 3,0.5", {}, labels), (std::vector<double>{1, 3, 0.5}));
    EXPECT_EQ(weights("yes:3,no : .25", {}, labels), (std::vector<double>{0.25, 1, 3}));
    EXPECT_EQ(weights("yes: sure:4", {}, labels), (std::vector<double>{1, 4, 1}));
    const auto fault = [&](const std::string& setting) {
      try {
        weights(setting, {}, labels);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::usage);
        return error.message() + " -> " + error.remedy();
      }
      return std::string("no error");
    };
    EXPECT_THAT(fault("1,3"), ::testing::AllOf(::testing::HasSubstr("2 weights for 3 labels"),
                                               ::testing::HasSubstr("no, yes: sure, yes;")));
    EXPECT_THAT(fault("maybe:2"), ::testing::HasSubstr("no label 'maybe'"));
    EXPECT_THAT(fault("yes:2,yes:3"), ::testing::HasSubstr("'yes' comes twice"));
    EXPECT_THAT(fault("yes:2,3"), ::testing::HasSubstr("'3' has no weight above 0"));
    for (const char* bad : {"yes:0", "yes:-1", "yes:", "yes:nan", "yes:1e-60", ":"}) {
      EXPECT_THAT(fault(bad), ::testing::HasSubstr("has no weight above 0"));
    }
    for (const char* bad : {"", "1,,3", "1,0,3", "1,inf,3", "1,1e60,1", "rare"}) {
      EXPECT_THAT(fault(bad), ::testing::HasSubstr("expected none, balanced, or weights above 0"));
    }
  }
}

// The third label is on every text, the fourth on none.
TEST(ClassWeights, OfSeveralLabelsAreNegativesByPositives) {
  std::vector<EncodedExample> examples(4);
  examples[0].values = {1, 1, 1, 0};
  for (std::size_t i = 1; i < 4; ++i) examples[i].values = {0, i < 3 ? 1.0F : 0.0F, 1, 0};
  const std::vector<std::string> labels{"a", "b", "c", "d"};
  const auto weights = positive_weights("balanced", examples, labels);
  EXPECT_EQ(weights, (std::vector<double>{3, 1.0 / 3, 1, 1}));
  EXPECT_TRUE(positive_weights("none", examples, labels).empty());
  const std::vector<std::int32_t> none;
  const auto& values = examples[0].values;
  const auto weighted =
      labelled_loss(LossKind::binary_cross_entropy, at::zeros({1, 4}),
                    {none, values, none, at::tensor(weights, at::kDouble).to(at::kFloat)});
  EXPECT_NEAR(weighted.loss.item<double>(), (3 + 1.0 / 3 + 1 + 1) * std::log(2.0), 1e-6);
}

// sklearn.utils.class_weight.compute_class_weight("balanced", ...) of 0, 0, 0, 1 is 2/3 and 2.
TEST(ClassWeights, AreScikitLearns) {
  std::vector<EncodedExample> examples(2);
  examples[0].labels = {0, 0, -1};
  examples[1].labels = {0, 1};
  const auto weights = class_weights("balanced", examples, {"a", "b", "c"});
  EXPECT_NEAR(weights.at(0), 2.0 / 3, 1e-12);
  EXPECT_NEAR(weights.at(1), 2, 1e-12);
  EXPECT_EQ(weights.at(2), 1);
  EXPECT_TRUE(class_weights("none", examples, {"a", "b", "c"}).empty());
  EXPECT_THROW(class_weights("some", examples, {"a", "b", "c"}), Error);

  const auto outputs = at::zeros({2, 3});
  const std::vector<std::int32_t> labels{0, 1}, offsets;
  const std::vector<float> values;
  const auto weighted =
      labelled_loss(LossKind::cross_entropy, outputs,
                    {labels, values, offsets, at::tensor(weights, at::kDouble).to(at::kFloat)});
  EXPECT_NEAR(weighted.loss.item<double>(), (2.0 / 3 + 2) * std::log(3.0), 1e-6);
}

TEST(LabelledLoss, RefusesTargetsThatDoNotFit) {
  const auto outputs = at::zeros({3, 2});
  EXPECT_THROW(loss(LossKind::cross_entropy, outputs, {.labels = {0, 1}}), Error);
  EXPECT_THROW(loss(LossKind::cross_entropy, outputs, {.labels = {0, 1, 2}}), Error);
  EXPECT_THROW(loss(LossKind::cross_entropy, outputs, {.labels = {0, 1, -2}}), Error);
  EXPECT_THROW(loss(LossKind::mean_squared_error, outputs, {.values = {0, 1, 1}}), Error);
  EXPECT_THROW(loss(LossKind::binary_cross_entropy, outputs, {.values = {0, 1, 1}}), Error);
  EXPECT_THROW(loss(LossKind::span, outputs, {.labels = {0, 3}, .offsets = {0, 3}}), Error);
  EXPECT_THROW(loss(LossKind::span, outputs, {.labels = {0, 1}, .offsets = {0, 2}}), Error);
}

}  // namespace
}  // namespace bertha
