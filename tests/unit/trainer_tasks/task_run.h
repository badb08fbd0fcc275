// A task from its files to its answers, over a vocabulary of two pieces.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "parallel/base/staged_output.h"
#include "tests/unit/trainer_checkpoint/scratch_folder.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {

// "text > label > predicted > value" of what is wrong.
inline std::vector<std::string> mistakes_of(const ExampleSet& examples,
                                            const Predictions& predictions) {
  std::vector<std::string> lines;
  for (const auto& mistake : examples.mistakes(examples, predictions).rows) {
    lines.push_back(fmt::format("{} > {} > {} > {:.4f}", mistake.text, mistake.label,
                                mistake.predicted, mistake.value));
  }
  return lines;
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

}  // namespace bertha
