// The table of tasks: names, which model is whose, and a whole task from file to answers.
#include "trainer/tasks/labelled/task_table.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"

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
    EXPECT_THAT(error.message(), HasSubstr("classification, multi_label, "));
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
  EXPECT_THAT(task_for({"BertForPreTraining", {}, ""}), HasSubstr("not a fine-tuned model"));
  EXPECT_THAT(task_for({sequence, {}, "regression"}, "classification"),
              HasSubstr("is a model for regression, not for classification"));
}

class TaskRun : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& name, const std::string& bytes) const {
    write_file(folder_.path() / name, bytes);
    return folder_.path() / name;
  }
  static TaskOptions whole_files() {
    TaskOptions options;
    options.test_fraction = 0;
    return options;
  }
  EncodingSettings settings(const TaskOptions& options) const {
    return {options, tokenizer_, 1, 1};
  }

  ScratchFolder folder_;
  Vocabulary vocabulary_{{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a"}, "test"};
  WordPiece tokenizer_{vocabulary_, TokenizerOptions{}};
};

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

  options.validation = file("bad.tsv", "a\t[x]\n");
  try {
    task.load(settings(options));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("bad.tsv:1: '[x]' is no list of labels"));
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
    EXPECT_THAT(error.message(), HasSubstr("new.tsv:1: label 'perhaps'"));
  }
  options.train = file("one.tsv", "a\tyes\naa\tyes\na\tyes\n");
  EXPECT_THROW(task.load(settings(options)), Error);
}

}  // namespace
}  // namespace bertha
