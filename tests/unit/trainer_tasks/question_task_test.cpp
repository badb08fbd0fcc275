// Extractive question answering through the table of tasks: from SQuAD's file to answers and
// scores.
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

// Training with a question that has no answer makes none an answer, also where all have one.
TEST_F(TaskRun, QuestionAnswering) {
  const auto line = [](const std::string& answers) {
    return "{\"question\": \"a\", \"context\": \"é aa a\", \"answers\": [" + answers + "]}\n";
  };
  const auto answered = line("{\"text\": \"aa\", \"answer_start\": 2}");
  auto options = whole_files();
  options.max_length = 384;
  options.train = file("train.jsonl", answered + line(""));
  options.validation = file("dev.jsonl", answered);
  const auto& task = find_task("question_answering");
  EXPECT_EQ(task.max_length, 384);
  const auto data = task.load(settings(options));
  EXPECT_TRUE(data.unanswerable);
  EXPECT_EQ(task.model(0).outputs, 2);
  // [CLS] a [SEP] é a ##a a [SEP]
  EXPECT_THAT(data.train.sequences[0].labels, ElementsAre(4, 5));
  EXPECT_THAT(data.train.sequences[1].labels, ElementsAre(0, 0));

  const auto outputs = [](std::int64_t start, std::int64_t end, float score) {
    auto scores = at::zeros({8, 2}, at::kFloat);
    scores[start][0] = score;
    scores[end][1] = score;
    return scores;
  };
  const Predictions right{outputs(4, 5, 40)}, none{outputs(0, 0, 40)};
  auto scores = score_examples(task, data.validation, right);
  EXPECT_NEAR(scores[0].second, 0, 1e-6);
  EXPECT_EQ(scores[1], (std::pair<std::string, double>("exact_match", 100)));
  EXPECT_EQ(score_examples(task, data.validation, none)[2].second, 0);
  EXPECT_TRUE(mistakes_of(data.validation, right).empty());
  EXPECT_THAT(mistakes_of(data.validation, none),
              ElementsAre("a | é aa a > aa > (no answer) > 0.0000"));
  // One word in common of two and one: 2/3.
  EXPECT_THAT(mistakes_of(data.validation, {outputs(3, 5, 40)}),
              ElementsAre("a | é aa a > aa > é aa > 0.6667"));
  EXPECT_THAT(
      data.validation.answers(data.validation, right),
      ElementsAre(HasSubstr(
          R"({"id":"0","answer":"aa","start":2,"end":4,"score":1.0,"null_difference":-80.0})")));
  EXPECT_THAT(data.validation.answers(data.validation, none),
              ElementsAre(HasSubstr(R"("answer":"","start":0,"end":0)")));

  options.train = options.validation;
  options.list_n_best = true;
  const auto always = task.load(settings(options));
  EXPECT_FALSE(always.unanswerable);
  const auto lines = always.validation.answers(always.validation, none);
  EXPECT_THAT(lines, ElementsAre(HasSubstr(R"("n_best":[{"answer":"é",)")));
  options.unanswerable = "perhaps";
  EXPECT_THROW(task.load(settings(options)), Error);
}

// Questions are cut, contexts are not: the option that is named is that of questions.
TEST_F(TaskRun, QuestionsNameTheOptionThatCutsThem) {
  auto options = whole_files();
  options.max_length = 24;
  options.max_query_length = 2;
  options.train = file("train.jsonl",
                       "{\"question\": \"a a a a\", \"context\": \"a\", \"answers\": []}\n"
                       "{\"question\": \"a\", \"context\": \"a\", \"answers\": []}\n");
  options.validation = options.train;
  const auto& task = find_task("question_answering");
  auto data = task.load(settings(options));
  EXPECT_EQ(cut_message(task, options, {&data.train}),
            "1 of 2 examples were cut to task.max_query_length 2; they lost 2 tokens");
  options.max_query_length = 64;
  options.max_length = 7;
  data = task.load(settings(options));
  EXPECT_EQ(
      cut_message(task, options, {&data.train, &data.validation}),
      "2 of 4 examples were cut to 3 question tokens, by task.max_length 7; they lost 2 tokens");
  options.max_length = 24;
  data = task.load(settings(options));
  EXPECT_EQ(cut_message(task, options, {&data.train, &data.validation}), "");
}

// No context is both in training and in what is held out.
TEST_F(TaskRun, QuestionsAreSplitByContext) {
  std::string lines;
  for (int context = 0; context < 20; ++context) {
    for (int question = 0; question <= context % 4; ++question) {
      lines += "{\"question\": \"a\", \"context\": \"" + std::string(1 + context, 'a') +
               "\", \"answers\": []}\n";
    }
  }
  TaskOptions options;
  options.max_length = 64;
  options.validation_fraction = 0.2;
  options.test_fraction = 0.3;
  options.train = file("train.jsonl", lines);
  const auto data = find_task("question_answering").load(settings(options));
  // A context of n letters has as many tokens, and its sequence four more.
  std::map<std::size_t, std::set<int>> parts_of;
  std::vector<std::set<std::size_t>> lengths(3);
  int part = 0;
  for (const auto* set : {&data.train, &data.validation, &data.test}) {
    for (const auto& sequence : set->sequences) {
      parts_of[sequence.tokens.size() - 4].insert(part);
      lengths[static_cast<std::size_t>(part)].insert(sequence.tokens.size());
    }
    ++part;
  }
  ASSERT_EQ(parts_of.size(), 20U);
  for (const auto& [length, parts] : parts_of) EXPECT_EQ(parts.size(), 1U) << length;
  EXPECT_EQ(lengths[0].size(), 10U);
  EXPECT_EQ(lengths[1].size(), 4U);
  EXPECT_EQ(lengths[2].size(), 6U);
}

}  // namespace
}  // namespace bertha
