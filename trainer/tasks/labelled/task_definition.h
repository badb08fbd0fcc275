// What makes one fine-tuning task different from another. A definition is made out of functions
// over the task's own kind of row by make_definition() (task_rows.h); all others see these values
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "data_pipeline/labelled/encoded_example.h"
#include "data_pipeline/tokenizer/wordpiece.h"
#include "trainer/tasks/labelled/task_options.h"
#include "trainer/tasks/labelled_task.h"
#include "trainer/tasks/scores.h"

namespace bertha {

// [rows, outputs] of every sequence of an ExampleSet, in its order.
using Predictions = std::vector<at::Tensor>;

// A row that the model got wrong, for people to read.
struct Mistake {
  std::string text, label, predicted;
  double value = 0;  // what Mistakes::measure names
};
struct Mistakes {
  std::string measure = "probability";  // of the right label; or "f1", or "error"
  bool largest_is_worst = false;
  std::vector<Mistake> rows;  // of equal ones the first is the worst
};

// Examples of one file or split, ready for the model.
struct ExampleSet {
  std::string file;                       // where it was read
  std::size_t rows = 0;                   // what users count: texts, sentences, questions
  std::vector<EncodedExample> sequences;  // by row; a long row may be several
  std::size_t cut_rows = 0;               // rows that lost tokens to task.max_length
  std::size_t lost_tokens = 0;

  std::function<std::string(std::size_t row)> place;  // in the file, see RowFunctions
  std::function<Scores(const ExampleSet&, const Predictions&)> score;  // without the loss
  // One JSON object a row, for `bertha predict`.
  std::function<std::vector<std::string>(const ExampleSet&, const Predictions&)> answers;
  // Of labelled examples: all that are wrong.
  std::function<Mistakes(const ExampleSet&, const Predictions&)> mistakes;
};

struct TaskData {
  std::vector<std::string> label_names;  // by output; empty where outputs are no labels
  bool unanswerable = false;             // training has questions without an answer
  ExampleSet train, validation, test;
};

// How rows become sequences, whatever the task.
struct EncodingSettings {
  const TaskOptions& options;
  const WordPiece& tokenizer;
  std::uint64_t seed = 1;  // of splits
  int threads = 1;
};

// How much of a file is in memory at once. The bytes of text are counted only after every `step`
// rows: where a row is one sequence, lots of so many have the micro-batches of the whole file, and
// so the same bits.
struct RowsAtOnce {
  std::size_t rows = 0;  // 0: all
  std::size_t bytes = 8 << 20;
  std::size_t step = 256;
};

struct LabelledTaskDefinition {
  std::string name;  // task.name
  Head head = Head::sequence;
  LossKind loss = LossKind::cross_entropy;
  std::int64_t outputs = 0;  // of the head; 0: one for each label of the data
  std::string problem_type;  // of config.json; empty: none
  std::string metric;        // what task.metric = auto chooses the best epoch by
  int max_length = 128;      // task.max_length unless it is given
  // The option that cuts rows that are too long, with its value; empty: task.max_length.
  std::function<std::string(const TaskOptions&)> length_limit;

  // Reads task.train, .validation and .test; cuts what is missing off train. Error{bad_data} names
  // file and line.
  std::function<TaskData(const EncodingSettings&)> load;
  // One file for a model that is there: to score (labelled) or to predict.
  struct File {
    std::filesystem::path path;
    std::vector<std::string> label_names;
    bool labelled = true;
    RowsAtOnce at_once = {};
  };
  // The next rows of a file, in order; nothing at its end.
  using Blocks = std::function<std::optional<ExampleSet>()>;
  // Reads no more of the file than it is asked for. What `settings` refers to must outlive it.
  std::function<Blocks(const EncodingSettings& settings, const File& file)> open;

  ExampleSet load_file(const EncodingSettings& settings, const File& file) const {
    return *open(settings, file)();
  }

  LabelledModel model(std::size_t labels) const {
    return {head, loss, outputs > 0 ? outputs : static_cast<std::int64_t>(labels)};
  }
};

// "3 of 200 examples were cut to task.max_length 24; they lost 61 tokens"; empty: none was.
std::string cut_message(const LabelledTaskDefinition& definition, const TaskOptions& options,
                        const std::vector<const ExampleSet*>& sets);

// "train.tsv:17, 30 and 4 more": where the rows stand that these sequences, by number, are parts
// of; the first `most` of them.
std::string places_of(const ExampleSet& examples, const std::vector<std::uint64_t>& numbers,
                      std::size_t most);

// "loss" (the mean of what training minimises, where there are labels), then the task's scores.
Scores score_examples(const LabelledTaskDefinition& definition, const ExampleSet& examples,
                      const Predictions& predictions);

}  // namespace bertha
