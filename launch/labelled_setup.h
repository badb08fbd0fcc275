// Labelled examples of a run as its [task] options name them, tokenized for a model.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/labelled_data.h"
#include "trainer/task_config.h"

namespace bertha {

// The tokenizer of a model folder. Owns its vocabulary.
struct ModelTokenizer {
  explicit ModelTokenizer(const std::filesystem::path& model_folder);
  Vocabulary vocabulary;
  WordPiece wordpiece;
};

struct TaskData {
  LabelledSplits splits;
  std::vector<std::string> label_names;  // empty for regression
  std::vector<EncodedExample> train, validation, test;
};

LabelledOptions labelled_options(const TaskOptions& task);
bool is_regression(const TaskOptions& task);

// Reads task.train, .validation and .test; cuts what is missing off train. Error{usage} for a task
// that is not built, Error{bad_data} for data that does not fit.
TaskData load_task_data(const TaskOptions& task, const WordPiece& tokenizer, std::uint64_t seed,
                        int threads);

}  // namespace bertha
