// Which task heads fine-tuning takes over, and what it says of the others.
#include "launch/start_head.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/initial_weights.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const char* const kSequence = "BertForSequenceClassification";
const char* const kToken = "BertForTokenClassification";
const char* const kQuestion = "BertForQuestionAnswering";

// "kept", with the note where there is one, or the reason.
std::string verdict(const HeadConfig& start, std::int64_t outputs, const char* task,
                    const std::vector<std::string>& labels = {}) {
  const auto [kept, note, order] = judge_head(start, outputs, {find_task(task), labels});
  if (!kept) return note;
  const auto text = note.empty() ? "kept" : "kept: " + note;
  return order.empty() ? text : fmt::format("{}: {}", text, fmt::join(order, ", "));
}

TEST(StartHead, SameTaskAndLabelsAreKept) {
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, "single_label_classification"}, 2, "classification",
                    {"a", "b"}),
            "kept");
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, ""}, 2, "classification", {"a", "b"}), "kept");
  EXPECT_EQ(
      verdict({kSequence, {"a", "b"}, "multi_label_classification"}, 2, "multi_label", {"a", "b"}),
      "kept");
  EXPECT_EQ(verdict({kToken, {"B-x", "O"}, ""}, 2, "token_classification", {"B-x", "O"}), "kept");
  // Numbers and answers have no labels, whatever Transformers calls their outputs.
  EXPECT_EQ(verdict({kSequence, {"stars"}, "regression"}, 1, "regression"), "kept");
  EXPECT_EQ(verdict({kSequence, {"LABEL_0", "LABEL_1"}, "regression"}, 1, "regression"), "kept");
  EXPECT_EQ(verdict({kSequence, {"LABEL_0"}, ""}, 1, "regression", {"LABEL_0"}), "kept");
  EXPECT_EQ(verdict({kQuestion, {}, ""}, 2, "question_answering"), "kept");
  EXPECT_EQ(verdict({kQuestion, {"LABEL_0", "LABEL_1"}, ""}, 2, "question_answering"), "kept");
}

// Transformers' models of words have O first, our labels are sorted.
TEST(StartHead, TheSameLabelsInAnotherOrderArePutIntoOurs) {
  EXPECT_EQ(
      verdict({kToken, {"O", "B-x", "I-x"}, ""}, 3, "token_classification", {"B-x", "I-x", "O"}),
      "kept: its classifier's labels are put into the order of the task's: 1, 2, 0");
  EXPECT_EQ(verdict({kSequence, {"a", "a"}, ""}, 2, "classification", {"a", "b"}),
            "its classifier has 2 labels (a, a), the task has 2 labels (a, b)");
}

TEST(StartHead, OtherLabelsAreNot) {
  EXPECT_EQ(verdict({kSequence, {"a", "b", "c"}, ""}, 3, "classification", {"no", "yes"}),
            "its classifier has 3 labels (a, b, c), the task has 2 labels (no, yes)");
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, ""}, 2, "classification", {"a", "c"}),
            "its classifier has 2 labels (a, b), the task has 2 labels (a, c)");
  EXPECT_EQ(verdict({kSequence, {"LABEL_0"}, ""}, 1, "classification", {"a", "b"}),
            "its classifier has 1 label (LABEL_0), the task has 2 labels (a, b)");
}

TEST(StartHead, UnnamedLabelsAreTakenForAsMany) {
  const char* kept =
      "kept: its classifier's labels have no names (LABEL_0, LABEL_1): it is kept for no, yes, in "
      "this order";
  EXPECT_EQ(verdict({kSequence, {"LABEL_0", "LABEL_1"}, ""}, 2, "classification", {"no", "yes"}),
            kept);
  // The weights say how many there are; a config.json of another count says nothing.
  EXPECT_EQ(verdict({kSequence, {"x"}, ""}, 2, "classification", {"no", "yes"}), kept);
  EXPECT_THAT(
      verdict({kSequence, {"a", "b"}, ""}, 3, "classification", {"a", "b"}),
      StartsWith("its classifier has 3 labels (LABEL_0, LABEL_1, LABEL_2), the task has 2"));
  EXPECT_EQ(
      verdict({kSequence, {"LABEL_0", "LABEL_1"}, ""}, 2, "classification", {"LABEL_0", "LABEL_1"}),
      "kept");
}

TEST(StartHead, OtherTasksAreNot) {
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, ""}, 2, "token_classification", {"a", "b"}),
            "its head is that of a BertForSequenceClassification, the task's is that of a "
            "BertForTokenClassification");
  EXPECT_THAT(verdict({kQuestion, {}, ""}, 2, "classification", {"a", "b"}),
              HasSubstr("that of a BertForQuestionAnswering"));
  EXPECT_THAT(verdict({"BertForMultipleChoice", {}, ""}, 1, "regression"),
              HasSubstr("that of a BertForMultipleChoice"));
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, "multi_label_classification"}, 2, "classification",
                    {"a", "b"}),
            "its head is for multi_label_classification, the task is classification");
  EXPECT_THAT(verdict({kSequence, {"a"}, "regression"}, 1, "multi_label", {"a"}),
              HasSubstr("is for regression"));
  EXPECT_EQ(verdict({kSequence, {"a", "b", "c"}, "regression"}, 3, "regression"),
            "its head has 3 outputs, the task's has 1");
  EXPECT_EQ(verdict({kSequence, {"a", "b"}, ""}, 2, "regression"),
            "its head has 2 outputs, the task's has 1");
}

class HeadOfFolder : public ::testing::Test {
 protected:
  HeadOfFolder() {
    std::string pattern = ::testing::TempDir() + "bertha_head_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~HeadOfFolder() override { std::filesystem::remove_all(folder_); }

  void config(const std::string& json) { std::ofstream(folder_ / "config.json") << json; }
  // What is left out for a classification of a and b; `said_` is what the log says.
  std::vector<std::string> left_out(std::vector<NamedTensor>& weights) {
    ::testing::internal::CaptureStderr();
    auto names = keep_head_of_task({find_task("classification"), {"a", "b"}}, folder_, weights);
    said_ = ::testing::internal::GetCapturedStderr();
    return names;
  }

  std::filesystem::path folder_;
  std::string said_;
  const NamedTensor pooler_{"bert.pooler.dense.weight", at::ones({3, 3})};
  const NamedTensor bias_{"classifier.bias", at::ones({2})};
  const NamedTensor weight_{"classifier.weight", at::ones({2, 3})};
};

TEST_F(HeadOfFolder, OnlyTheHeadIsLeftOut) {
  config(
      R"({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "c", "1": "a"}})");
  std::vector<NamedTensor> weights{pooler_, bias_, weight_};
  EXPECT_THAT(left_out(weights), ElementsAre("classifier.bias", "classifier.weight"));
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_EQ(weights[0].name, pooler_.name);
  EXPECT_THAT(said_, HasSubstr("start: its classifier has 2 labels (c, a), the task has 2 labels "
                               "(a, b): a new one is drawn"));
}

TEST_F(HeadOfFolder, OutputsChangePlacesWithTheirLabels) {
  config(
      R"({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "b", "1": "a"}})");
  std::vector<NamedTensor> weights{pooler_,
                                   {bias_.name, at::tensor({1., 2.})},
                                   {weight_.name, at::tensor({3., 4.}).view({2, 1})}};
  EXPECT_THAT(left_out(weights), IsEmpty());
  EXPECT_TRUE(at::equal(weights[0].tensor, pooler_.tensor));
  EXPECT_TRUE(at::equal(weights[1].tensor, at::tensor({2., 1.})));
  EXPECT_TRUE(at::equal(weights[2].tensor, at::tensor({4., 3.}).view({2, 1})));
  EXPECT_THAT(said_, HasSubstr("put into the order of the task's"));
}

TEST_F(HeadOfFolder, WithoutAHeadNothingIsSaid) {
  config("{}");
  std::vector<NamedTensor> weights{pooler_, {"cls.predictions.bias", at::ones({5})}};
  EXPECT_THAT(left_out(weights), IsEmpty());
  EXPECT_EQ(weights.size(), 2U);
  EXPECT_EQ(said_, "");
}

// NVIDIA's and Google's config.json name no class: the weights tell it.
TEST_F(HeadOfFolder, TheWeightsTellTheClass) {
  config(R"({"num_labels": 2})");
  std::vector<NamedTensor> sequence{pooler_, bias_, weight_}, token{bias_, weight_};
  EXPECT_THAT(left_out(sequence), IsEmpty());
  EXPECT_THAT(said_, HasSubstr("start: its classifier's labels have no names"));
  EXPECT_THAT(left_out(token), ElementsAre("classifier.bias", "classifier.weight"));
  EXPECT_THAT(said_, HasSubstr("is that of a BertForTokenClassification"));
}

TEST_F(HeadOfFolder, ANewOneIsDrawnAsWithoutAHead) {
  config(
      R"({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "x", "1": "y"}})");
  write_safetensors(folder_ / "model.safetensors", {pooler_, bias_, weight_}, {});
  const std::vector<ParameterSpec> specs{
      {pooler_.name, {3, 3}}, {weight_.name, {2, 3}}, {bias_.name, {2}, InitialValue::zeros}};
  ParameterSpace fresh(specs, Precision::fp32, at::kCPU), loaded(specs, Precision::fp32, at::kCPU);
  fresh.initialize(0.02, 5);
  const auto load = [&](const std::vector<std::string>& labels) {
    ::testing::internal::CaptureStderr();
    load_initial_weights({.from = folder_,
                          .fresh = FreshWeights{0.02, 5},
                          .task_head = TaskHead{find_task("classification"), labels}},
                         loaded);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(load({"x", "y"}), ::testing::Not(HasSubstr("start: ")));
  EXPECT_TRUE(at::equal(loaded.master_view(1), weight_.tensor));
  // Not one of them is "not in the file": the line of the start says all.
  EXPECT_THAT(load({"x", "z"}), ::testing::AllOf(HasSubstr("(x, z): a new one is drawn"),
                                                 ::testing::Not(HasSubstr("not in the file"))));
  EXPECT_TRUE(at::equal(loaded.master_view(0), pooler_.tensor));
  EXPECT_TRUE(at::equal(loaded.master_view(1), fresh.master_view(1)));
  EXPECT_TRUE(at::equal(loaded.master_view(2), at::zeros({2})));
  check_initial_weights(
      {.from = folder_, .task_head = TaskHead{find_task("classification"), {"a", "b", "c"}}},
      {{weight_.name, {3, 3}}});  // no error: its shape does not matter
}

}  // namespace
}  // namespace bertha
