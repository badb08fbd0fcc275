// data table: options of labelled tasks.
#include "launch/option_declaring.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

// Its help names the rows of the table of tasks.
OptionDeclaration task_name_option() {
  const auto& tasks = labelled_tasks();
  std::string names;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    names += (i == 0 ? "" : i + 1 < tasks.size() ? ", " : " or ") + tasks[i].name;
  }
  auto declaration = option(
      "task.name", "NAME", "", [](RunConfig & config) -> auto& { return config.task.name; });
  declaration.help = names + ".";
  return declaration;
}
}  // namespace

std::vector<OptionDeclaration> task_options() {
  return {
      task_name_option(),
      option("task.train", "FILE",
             "Labelled data: TSV, CSV or JSON lines; CoNLL columns for token_classification; "
             "SQuAD's JSON "
             "or JSON lines for question_answering.",
             BERTHA_AT(task.train)),
      option("task.validation", "FILE", "Default: a part of train.", BERTHA_AT(task.validation)),
      option("task.test", "FILE", "Default: a part of train.", BERTHA_AT(task.test)),
      option("task.text_column", "COLUMN",
             "Name, or number from 0; default text, or 0 (of words: words, or 0).",
             BERTHA_AT(task.text_column)),
      option("task.pair_column", "COLUMN", "Second text; default none.",
             BERTHA_AT(task.pair_column)),
      option("task.label_column", "COLUMN", "Default label, or 1 (of words: labels, or the last).",
             BERTHA_AT(task.label_column)),
      option("task.label_delimiter", "TEXT", "Between the labels of a text, for multi_label.",
             BERTHA_AT(task.label_delimiter)),
      option("task.header", "WHICH", "auto, true or false.", BERTHA_AT(task.header)),
      option("task.delimiter", "WHICH",
             "auto, tab, comma or jsonl; of words auto, space, tab, jsonl or lines.",
             BERTHA_AT(task.delimiter)),
      option("task.max_length", "N",
             "Tokens per example, with the special ones; of question_answering 384.",
             BERTHA_AT(task.max_length)),
      option("task.epochs", "X", "Passes over the training examples, above 0.",
             BERTHA_AT(task.epochs)),
      option("task.batch_size", "N", "Examples per update, over all ranks.",
             BERTHA_AT(task.batch_size)),
      option("task.validation_fraction", "F", "Of train, when no validation file is given.",
             BERTHA_AT(task.validation_fraction)),
      option("task.test_fraction", "F", "Of train, when no test file is given.",
             BERTHA_AT(task.test_fraction)),
      option("task.metric", "NAME", "Validation score that chooses the best epoch; auto: by task.",
             BERTHA_AT(task.metric)),
      option("task.patience", "N", "Epochs without a better score before stopping; 0: never.",
             BERTHA_AT(task.patience)),
      option(
          "task.class_weights", "WHICH",
          "In the training loss: none; balanced, by how rare a class is; or numbers above 0 in "
          "the order of the labels (1,3), or by label (yes:3, others 1). Of multi_label: how much "
          "more a text counts that has the label.",
          BERTHA_AT(task.class_weights)),
      option("task.layer_decay", "F",
             "Learning rate of a layer over that of the layer above; 1: all alike.",
             BERTHA_AT(task.layer_decay)),
      option("task.freeze_layers", "N",
             "Embeddings and so many layers learn nothing; 0: all learn.",
             BERTHA_AT(task.freeze_layers)),
      option("task.seeds", "N",
             "Runs, from train.seed on, in folders of their own: mean, deviation, the best one's "
             "model.",
             BERTHA_AT(task.seeds)),
      option("task.split_seed", "N", "Chooses what is cut off train; 0: train.seed.",
             BERTHA_AT(task.split_seed)),
      option("task.input", "FILE",
             "What to predict: one text a line, TSV, CSV or JSON lines; questions as in "
             "task.train. Read as it is predicted, 1,024 rows at a time, but for SQuAD's one "
             "document; on one rank it may be a pipe.",
             BERTHA_AT(task.input)),
      option("task.output_file", "FILE", "Where predictions go; default standard output.",
             BERTHA_AT(task.output_file)),
      option("task.max_query_length", "N", "Tokens kept of a question.",
             BERTHA_AT(task.max_query_length)),
      option("task.document_stride", "N", "Tokens that two windows of a context share.",
             BERTHA_AT(task.document_stride)),
      option("task.n_best", "N", "Starts and ends of an answer that are combined; answers kept.",
             BERTHA_AT(task.n_best)),
      option("task.max_answer_length", "N", "Tokens of an answer.",
             BERTHA_AT(task.max_answer_length)),
      option("task.unanswerable", "WHICH",
             "Whether no answer may be the answer: true, false, or auto, as in training (evaluate: "
             "or in the data).",
             BERTHA_AT(task.unanswerable)),
      option("task.null_threshold", "X",
             "No answer when its score is larger than the best answer's by more.",
             BERTHA_AT(task.null_threshold)),
      option("task.list_n_best", "BOOL", "Predict: also the n_best answers of each question.",
             BERTHA_AT(task.list_n_best)),
  };
}
}  // namespace bertha
