// Where the rows stand that sequences are made of, as errors in the middle of training name them.
#include <numeric>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/trainer_tasks/task_run.h"

namespace bertha {
namespace {

std::vector<std::uint64_t> all_numbers(const ExampleSet& examples) {
  std::vector<std::uint64_t> numbers(examples.sequences.size());
  std::iota(numbers.begin(), numbers.end(), 0U);
  return numbers;
}

// Each text has another length, from which its line is known: a header stands above all, a blank
// line after the twentieth.
TEST_F(TaskRun, SplitRowsKnowTheirLines) {
  std::string rows = "text\tlabel\n";
  for (int i = 1; i <= 40; ++i) {
    rows += std::string(static_cast<std::size_t>(i), 'a') + (i % 2 ? "\t1\n" : "\t2\n");
    if (i == 20) rows += "\n";
  }
  auto options = whole_files();
  options.train = file("train.tsv", rows);
  options.validation_fraction = 0.25;
  for (const char* name : {"classification", "multi_label", "regression"}) {
    const auto data = find_task(name).load(settings(options));
    ASSERT_EQ(data.train.rows + data.validation.rows, 40U);
    for (const auto* set : {&data.train, &data.validation}) {
      for (const auto& sequence : set->sequences) {
        const auto length = sequence.tokens.size() - 2;
        const auto line = length + (length > 20 ? 2 : 1);
        EXPECT_EQ(places_of(*set, {sequence.number}, 1),
                  fmt::format("{}:{}", options.train.string(), line))
            << name;
      }
    }
  }
}

// Several windows of a row are one row.
TEST_F(TaskRun, WindowsOfASentenceLeadToItsFirstLine) {
  auto options = whole_files();
  options.max_length = 5;
  std::string rows = "a O\n\n";
  for (int i = 0; i < 8; ++i) rows += "a O\n";
  rows += "\naa B-x\n";
  const auto path = file("words.conll", rows);
  const auto set =
      find_task("token_classification").load_file(settings(options), {path, {"B-x", "O"}, true});
  ASSERT_GT(set.sequences.size(), 4U);
  EXPECT_EQ(places_of(set, all_numbers(set), 32), path.string() + ":1, 3, 12");
  EXPECT_EQ(places_of(set, all_numbers(set), 2), path.string() + ":1, 3 and 1 more");
  EXPECT_EQ(places_of(set, {2}, 32), path.string() + ":3");
}

TEST_F(TaskRun, WindowsOfAQuestionLeadToItsLineOrToItsId) {
  auto options = whole_files();
  options.max_length = 10;
  options.document_stride = 2;
  const auto& task = find_task("question_answering");
  const auto lines = file("new.jsonl",
                          "{\"question\": \"a\", \"context\": \"a a aa a a a aa a a a a a\"}\n\n"
                          "{\"id\": \"x\", \"question\": \"aa\", \"context\": \"a a\"}\n");
  auto set = task.load_file(settings(options), {lines, {}, false});
  ASSERT_GT(set.sequences.size(), 2U);
  EXPECT_EQ(places_of(set, all_numbers(set), 32), lines.string() + ":1, 3");

  const auto document =
      file("squad.json",
           R"({"data": [{"paragraphs": [{"context": "a a a aa a a aa a a a a a", "qas": [)"
           R"({"id": "x", "question": "a"}, {"id": "y", "question": "aa"}]}]},)"
           R"({"paragraphs": [{"context": "a", "qas": [{"id": "z", "question": "a"}]}]}]})");
  set = task.load_file(settings(options), {document, {}, false});
  ASSERT_GT(set.sequences.size(), 4U);
  EXPECT_EQ(places_of(set, all_numbers(set), 32),
            document.string() + ": question 'x', question 'y', question 'z'");
  EXPECT_EQ(places_of(set, all_numbers(set), 1), document.string() + ": question 'x' and 2 more");
}

}  // namespace
}  // namespace bertha
