// Files to predict in blocks: whatever the task and the size of a block, the sequences, answers and
// faults of the whole file.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/trainer_tasks/task_run.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;

struct Input {
  std::string task, name, rows;
  std::string bad;  // one more row, that is none
};

const std::vector<Input>& inputs() {
  static const std::vector<Input> kInputs{
      {"classification", "new.tsv", "text\tid\na\t1\na a\t2\n\naa\t4\naaa a a a\t5\n", "a\t2\t3\n"},
      {"classification", "new.csv", "id,text\n1,\"a\n\na\"\n2,a\n\"3\",\"aa\n\"\"a\"\"\"\n4,\n",
       "\"5\"6,a\n"},
      {"regression", "new.jsonl", "{\"text\": \"a\"}\n\n{\"text\": \"a aa\"}\n{\"text\": \"\"}\n",
       "{\"text\": \"a\"\n"},
      {"multi_label", "new.json", "{\"text\": \"a\"}\n{\"text\": \"aa\"}\n{\"text\": \"a a\"}\n",
       "{\"texts\": \"a\"}\n"},
      {"token_classification", "new.conll", "a\na\n\n\naaaa aa a\na\n\naaa\n\na\n\x01\n\na", ""},
      {"token_classification", "new.jsonl",
       "{\"words\": [\"a\", \"a\"]}\n{\"words\": []}\n{\"words\": [\"aaaaaaaa\", \"a\"]}\n",
       "{\"words\": 7}\n"},
      {"question_answering", "new.jsonl",
       "{\"question\": \"a\", \"context\": \"a a aa a a a aa a a a a a\"}\n"
       "{\"question\": \"a\", \"context\": \"\"}\n{\"question\": \"aa\", \"context\": \"a a\"}\n",
       "{\"question\": \"a\"}\n"},
      {"question_answering", "squad.json",
       R"({"data": [{"paragraphs": [{"context": "a a a aa", "qas": [)"
       R"({"id": "x", "question": "a"}, {"id": "y", "question": "aa"}]}]},)"
       R"({"paragraphs": [{"context": "a", "qas": [{"id": "z", "question": ""}]}]}]})",
       ""},
  };
  return kInputs;
}

class RowBlocks : public TaskRun {
 protected:
  LabelledTaskDefinition::File input(const Input& input, const std::string& more = "") const {
    return {file(input.name, input.rows + more), {"no", "yes"}, false};
  }
  TaskOptions options_of(const Input& input) const {
    TaskOptions options = whole_files();
    options.name = input.task;
    options.max_length = 10;
    options.document_stride = 2;
    options.unanswerable = "true";
    return options;
  }
  // Outputs that depend on the tokens alone.
  static std::vector<std::string> answers(const LabelledTaskDefinition& task,
                                          const ExampleSet& set) {
    Predictions predictions;
    for (const auto& sequence : set.sequences) {
      const auto tokens =
          at::tensor(std::vector<float>(sequence.tokens.begin(), sequence.tokens.end()));
      const bool one = task.head == Head::sequence;
      auto outputs = at::stack({one ? tokens.sum().view({1}) : tokens,
                                one ? tokens.max().view({1}) * 3 : at::flip(tokens, {0})},
                               1);
      predictions.push_back(task.outputs == 1 ? outputs.slice(1, 0, 1).contiguous() : outputs);
    }
    return set.answers(set, predictions);
  }
};

// Rows, tokens and answers of all blocks, one behind the other.
struct All {
  std::vector<std::size_t> sizes;
  std::vector<std::vector<std::int32_t>> tokens;
  std::vector<std::string> lines;
  std::size_t cut_rows = 0, lost_tokens = 0;

  void add(const ExampleSet& set, std::vector<std::string> answers) {
    sizes.push_back(set.rows);
    for (const auto& sequence : set.sequences) tokens.push_back(sequence.tokens);
    lines.insert(lines.end(), answers.begin(), answers.end());
    cut_rows += set.cut_rows;
    lost_tokens += set.lost_tokens;
  }
};

TEST_F(RowBlocks, AreTheWholeFile) {
  for (const auto& each : inputs()) {
    const auto& task = find_task(each.task);
    const auto options = options_of(each);
    auto file = input(each);
    All whole;
    const auto set = task.load_file(settings(options), file);
    whole.add(set, answers(task, set));
    EXPECT_EQ(whole.lines.size(), set.rows);
    EXPECT_GE(set.rows, 3U) << each.name;
    for (const std::size_t rows : {1, 2, 7}) {
      SCOPED_TRACE(fmt::format("{} {} by {}", each.task, each.name, rows));
      file.at_once.rows = rows;
      All blocks;
      const auto next = task.open(settings(options), file);
      while (const auto block = next()) blocks.add(*block, answers(task, *block));
      EXPECT_FALSE(next());  // the end stays the end
      for (std::size_t i = 0; i + 1 < blocks.sizes.size(); ++i) EXPECT_EQ(blocks.sizes[i], rows);
      EXPECT_EQ(blocks.tokens, whole.tokens);
      EXPECT_EQ(blocks.lines, whole.lines);
      EXPECT_EQ(blocks.cut_rows, whole.cut_rows);
      EXPECT_EQ(blocks.lost_tokens, whole.lost_tokens);
    }
  }
}

TEST_F(RowBlocks, ComeBeforeALaterFault) {
  for (const auto& each : inputs()) {
    if (each.bad.empty()) continue;
    SCOPED_TRACE(each.task + " " + each.name);
    const auto& task = find_task(each.task);
    const auto options = options_of(each);
    auto file = input(each, each.bad);
    const auto line = 1 + std::count(each.rows.begin(), each.rows.end(), '\n');
    const auto fault_of = [&](const LabelledTaskDefinition::Blocks& next) -> std::string {
      try {
        next();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::bad_data);
        return error.message();
      }
      return "no error";
    };
    const auto whole = fault_of(task.open(settings(options), file));
    EXPECT_EQ(whole.find(fmt::format("{}:{}: ", file.path.string(), line)), 0U) << whole;
    const auto good = task.load_file(settings(options), input(each)).rows;
    file = input(each, each.bad);
    file.at_once.rows = 1;
    const auto next = task.open(settings(options), file);
    for (std::size_t i = 0; i < good; ++i) ASSERT_TRUE(next());
    EXPECT_EQ(fault_of(next), whole);
  }
}

// Bytes of text end a block too, but only where the micro-batches of the whole file would end.
TEST_F(RowBlocks, AreSmallerForLongRows) {
  const auto& task = find_task("classification");
  const auto options = whole_files();
  std::string texts;
  for (std::size_t i = 1; i <= 7; ++i) texts += std::string(i, 'a') + "\n";
  LabelledTaskDefinition::File input{file("new.txt", texts), {"no", "yes"}, false};
  const auto sizes_of = [&](const RowsAtOnce& at_once) {
    input.at_once = at_once;
    std::vector<std::size_t> sizes;
    const auto next = task.open(settings(options), input);
    while (const auto block = next()) sizes.push_back(block->rows);
    return sizes;
  };
  EXPECT_THAT(sizes_of({.rows = 3}), ElementsAre(3, 3, 1));
  EXPECT_THAT(sizes_of({.rows = 7}), ElementsAre(7));
  EXPECT_THAT(sizes_of({.rows = 0, .bytes = 1, .step = 1}), ElementsAre(7));
  // 1 + 2 + 3 bytes are there after the third row, which is seen after the fourth.
  EXPECT_THAT(sizes_of({.rows = 5, .bytes = 6, .step = 2}), ElementsAre(4, 2, 1));
  EXPECT_THAT(sizes_of({.rows = 5, .bytes = 7, .step = 3}), ElementsAre(5, 2));
}

}  // namespace
}  // namespace bertha
