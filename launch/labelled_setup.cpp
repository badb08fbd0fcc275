// Files to encoded examples.
#include "launch/labelled_setup.h"

#include <fmt/format.h>

#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"

namespace bertha {

ModelTokenizer::ModelTokenizer(const std::filesystem::path& model_folder)
    : vocabulary(read_vocabulary(model_folder)),
      wordpiece(vocabulary, read_tokenizer_options(model_folder)) {}

bool is_regression(const TaskOptions& task) {
  return task.name == "regression";
}

LabelledOptions labelled_options(const TaskOptions& task) {
  if (task.name == "token_classification" || task.name == "question_answering") {
    throw Error(ErrorKind::usage, fmt::format("task.name {} is not built yet", task.name),
                "use classification or regression");
  }
  if (task.name != "classification" && !is_regression(task)) {
    throw Error(ErrorKind::usage,
                fmt::format("task.name = '{}': expected classification, regression, "
                            "token_classification or question_answering",
                            task.name));
  }
  LabelledOptions options;
  options.text_column = task.text_column;
  options.pair_column = task.pair_column;
  options.label_column = task.label_column;
  options.header = task.header;
  options.delimiter = task.delimiter;
  options.regression = is_regression(task);
  return options;
}

TaskData load_task_data(const TaskOptions& task, const WordPiece& tokenizer, std::uint64_t seed,
                        int threads) {
  const auto options = labelled_options(task);
  TaskData data;
  const double validation_part = task.validation.empty() ? task.validation_fraction : 0;
  const double test_part = task.test.empty() ? task.test_fraction : 0;
  data.splits = split_examples(read_labelled_file(task.train, options), validation_part, test_part,
                               seed, !options.regression);
  if (!task.validation.empty())
    data.splits.validation = read_labelled_file(task.validation, options);
  if (!task.test.empty()) data.splits.test = read_labelled_file(task.test, options);
  if (data.splits.train.empty() || data.splits.validation.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} leaves {} training and {} validation examples", task.train.string(),
                            data.splits.train.size(), data.splits.validation.size()),
                "give more examples, a validation file, or another task.validation_fraction");
  }
  if (!options.regression) {
    data.label_names = collect_labels(data.splits.train);
    if (data.label_names.size() < 2) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("{} has {} label(s); classification needs two or more",
                              task.train.string(), data.label_names.size()),
                  "check task.label_column");
    }
  }
  const auto encode = [&](const std::vector<Example>& examples) {
    return encode_examples(examples, tokenizer, task.max_length, data.label_names,
                           options.regression, threads);
  };
  data.train = encode(data.splits.train);
  data.validation = encode(data.splits.validation);
  data.test = encode(data.splits.test);
  return data;
}

}  // namespace bertha
