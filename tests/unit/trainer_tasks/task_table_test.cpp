// The table of tasks: names, which model is whose, and a whole task from file to answers.
#include "trainer/tasks/labelled/task_table.h"

#include <map>
#include <set>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/trainer_tasks/task_run.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string task_for(const HeadConfig& head, const std::string& wanted = "") {
  try {
    return task_of_model(head, wanted, "model").name;
  } catch (const Error& error) {
    return error.message();
  }
}

TEST(TaskTable, FindsTasksByName) {
  for (const auto& task : labelled_tasks()) EXPECT_EQ(&find_task(task.name), &task);
  try {
    find_task("classificaton");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), HasSubstr("expected one of "));
    for (const auto& task : labelled_tasks()) EXPECT_THAT(error.message(), HasSubstr(task.name));
  }
}

TEST(TaskTable, KnowsWhatAModelIsFor) {
  const std::string sequence = "BertForSequenceClassification";
  EXPECT_EQ(task_for({sequence, {"a", "b"}, "single_label_classification"}), "classification");
  EXPECT_EQ(task_for({sequence, {"a", "b"}, "multi_label_classification"}), "multi_label");
  EXPECT_EQ(task_for({sequence, {}, "regression"}), "regression");
  EXPECT_EQ(task_for({sequence, {"a", "b"}, ""}), "classification");
  EXPECT_EQ(task_for({sequence, {"LABEL_0"}, ""}), "regression");
  EXPECT_EQ(task_for({sequence, {"a", "b"}, ""}, "multi_label"), "multi_label");
  EXPECT_EQ(task_for({"BertForTokenClassification", {"O", "B-a"}, ""}), "token_classification");
  EXPECT_EQ(task_for({"BertForQuestionAnswering", {}, ""}), "question_answering");
  EXPECT_THAT(task_for({"BertForPreTraining", {}, ""}), HasSubstr("not a fine-tuned model"));
  EXPECT_THAT(task_for({sequence, {}, "regression"}, "classification"),
              HasSubstr("is a model for regression, not for classification"));
}

// A word that the tokenizer leaves nothing of is O; others have what the model says of their first
// piece.
TEST_F(TaskRun, TokenClassification) {
  auto options = whole_files();
  options.train = file("train.conll", "a B-x\naa I-x\n\x01 B-y\n\naa O\n");
  options.validation = file("dev.conll", "a B-z\n");
  const auto& task = find_task("token_classification");
  const auto data = task.load(settings(options));
  EXPECT_THAT(data.label_names, ElementsAre("B-x", "B-y", "B-z", "I-x", "O"));
  EXPECT_EQ(data.train.rows, 2U);
  EXPECT_THAT(data.train.sequences[0].labels, ElementsAre(-1, 0, 3, -1, -1));
  EXPECT_EQ(task.model(data.label_names.size()).outputs, 5);

  const auto outputs = [](const std::vector<std::int64_t>& labels) {
    return at::one_hot(at::tensor(labels, at::kLong), 5).to(at::kFloat) * 30;
  };
  const Predictions predictions{outputs({1, 0, 3, 1, 1}), outputs({0, 4, 0, 0})};
  const auto scores = score_examples(task, data.train, predictions);
  EXPECT_EQ(scores[0].first, "loss");
  EXPECT_NEAR(scores[0].second, 0, 1e-6);
  EXPECT_EQ(scores[1], (std::pair<std::string, double>("accuracy", 0.75)));
  EXPECT_EQ(scores[2], (std::pair<std::string, double>("precision", 1)));
  EXPECT_EQ(scores[3], (std::pair<std::string, double>("recall", 0.5)));
  EXPECT_THAT(data.train.answers(data.train, predictions),
              ElementsAre(HasSubstr(R"("labels":["B-x","I-x","O"])"),
                          HasSubstr(R"({"words":["aa"],"labels":["O"],"scores":[1.0]})")));
  EXPECT_TRUE(mistakes_of(data.train, predictions).empty());
  const Predictions wrong{outputs({1, 0, 4, 1, 1}), outputs({0, 0, 0, 0})};
  EXPECT_THAT(mistakes_of(data.train, wrong), ElementsAre("'aa' in: a aa \x01 > I-x > O > 0.0000",
                                                          "'aa' in: aa > O > B-x > 0.0000"));
}

// Words of control characters only: there are rows, but nothing to train on or to validate with.
TEST_F(TaskRun, WordsOfWhichNothingIsLeft) {
  auto options = whole_files();
  const auto gone = file("gone.conll", "\x01 B-a\n\n\u200B O\n\n");
  const auto good = file("good.conll", "a B-a\n\naa O\n\n");
  const auto& task = find_task("token_classification");
  for (const bool training : {true, false}) {
    options.train = training ? gone : good;
    options.validation = training ? good : gone;
    try {
      task.load(settings(options));
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      EXPECT_THAT(error.message(),
                  HasSubstr("gone.conll: the tokenizer leaves nothing of any of 2"));
    }
  }
  // To predict they have their answers all the same.
  const auto set = task.load_file(settings(options), {gone, {"B-a", "O"}, false});
  EXPECT_THAT(set.answers(set, {}),
              ElementsAre(HasSubstr(R"("labels":["O"])"), HasSubstr(R"("labels":["O"])")));
}

TEST_F(TaskRun, MultiLabel) {
  auto options = whole_files();
  options.train = file("train.tsv", "a\tx,y\naa\t\na a\t[\"y\"]\n");
  options.validation = file("dev.jsonl", "{\"text\": \"a\", \"label\": [\"x\"]}\n");
  const auto& task = find_task("multi_label");
  const auto data = task.load(settings(options));
  EXPECT_THAT(data.label_names, ElementsAre("x", "y"));
  EXPECT_THAT(data.train.sequences[0].values, ElementsAre(1, 1));
  EXPECT_THAT(data.train.sequences[1].values, ElementsAre(0, 0));
  EXPECT_THAT(data.train.sequences[2].values, ElementsAre(0, 1));
  EXPECT_THAT(data.validation.sequences[0].values, ElementsAre(1, 0));
  const Predictions predictions{at::tensor({1.0F, 0.0F}).view({1, 2})};
  EXPECT_THAT(data.validation.answers(data.validation, predictions),
              ElementsAre(HasSubstr(R"({"labels":["x"],"scores":{"x":0.731)")));
  EXPECT_EQ(score_examples(task, data.validation, predictions)[3].second, 1);
  EXPECT_TRUE(mistakes_of(data.validation, predictions).empty());
  // 1 / (1 + e) of x, 1/2 of no y.
  EXPECT_THAT(mistakes_of(data.validation, {at::tensor({-1.0F, 0.0F}).view({1, 2})}),
              ElementsAre("a > x > (none) > 0.1345"));

  options.validation = file("bad.tsv", "a\t[x]\n");
  try {
    task.load(settings(options));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("bad.tsv:1: '[x]' is no list of labels (column label)"));
  }
}

TEST_F(TaskRun, ClassificationNamesFileAndLine) {
  auto options = whole_files();
  options.train = file("train.tsv", "a\tyes\naa\tno\na\tyes\n");
  options.validation = options.train;
  options.max_length = 3;
  const auto& task = find_task("classification");
  const auto data = task.load(settings(options));
  EXPECT_EQ(data.train.cut_rows, 1U);
  EXPECT_EQ(data.train.lost_tokens, 1U);
  try {
    task.load_file(settings(options), {file("new.tsv", "a\tperhaps\n"), data.label_names, true});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::bad_data);
    EXPECT_THAT(error.message(),
                HasSubstr("new.tsv:1: label 'perhaps' is none of the labels the model is trained "
                          "for (column label)"));
    EXPECT_THAT(error.remedy(), HasSubstr("it knows no, yes (id2label of its config.json)"));
  }
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    options.train = file(name, bytes);
    try {
      task.load(settings(options));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::bad_data);
      return error.message();
    }
    return std::string("no error");
  };
  EXPECT_THAT(refused("one.tsv", "a\tyes\naa\tyes\na\tyes\n"),
              HasSubstr("one.tsv has 1 label(s); classification needs two or more"));
  options.validation.clear();
  EXPECT_THAT(refused("two.tsv", "a\tyes\naa\tno\n"),
              HasSubstr("two.tsv leaves 2 training and 0 validation examples"));
}

// A class that training lacks is one of the model's all the same: its rows count as wrong.
TEST_F(TaskRun, ClassesUnseenInTraining) {
  auto options = whole_files();
  options.train = file("train.tsv", "a\tb\naa\tc\n");
  options.validation = file("dev.tsv", "a\ta\naa\tc\n");
  const auto& task = find_task("classification");
  ::testing::internal::CaptureStderr();
  const auto data = task.load(settings(options));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("validation or test has: a"));
  EXPECT_THAT(data.label_names, ElementsAre("a", "b", "c"));
  const auto sure = at::tensor({0.0F, 0.0F, 9.0F}).view({1, 3});
  const Predictions predictions{sure, sure};
  EXPECT_EQ(score_examples(task, data.validation, predictions)[1].second, 0.5);
  EXPECT_THAT(mistakes_of(data.validation, predictions),
              ElementsAre("a > a > c > 0.0001"));  // 1 / (2 + e^9)
}

TEST_F(TaskRun, Regression) {
  auto options = whole_files();
  options.train = file("train.tsv", "a\t1.5\naa\t-2\n");
  options.validation = options.train;
  const auto data = find_task("regression").load(settings(options));
  const Predictions predictions{at::tensor({1.0F}).view({1, 1}), at::tensor({1.0F}).view({1, 1})};
  EXPECT_TRUE(data.validation.mistakes(data.validation, predictions).largest_is_worst);
  EXPECT_THAT(mistakes_of(data.validation, predictions),
              ElementsAre("a > 1.5 > 1 > 0.5000", "aa > -2 > 1 > 3.0000"));
}

// The seed of splits decides what is held out, and nothing else does.
TEST_F(TaskRun, SplitsBySeed) {
  auto options = whole_files();
  std::string rows;
  for (int i = 0; i < 40; ++i) rows += std::string(1 + i, 'a') + (i % 2 ? "\tx\n" : "\ty\n");
  options.train = file("train.tsv", rows);
  options.validation_fraction = 0.25;
  const auto held_out = [&](std::uint64_t seed) {
    const auto data = find_task("classification").load({options, tokenizer_, seed, 1});
    std::vector<std::size_t> lengths;
    for (const auto& row : data.validation.sequences) lengths.push_back(row.tokens.size());
    return lengths;
  };
  EXPECT_EQ(held_out(1).size(), 10U);
  EXPECT_EQ(held_out(1), held_out(1));
  EXPECT_NE(held_out(1), held_out(2));
}

}  // namespace
}  // namespace bertha
