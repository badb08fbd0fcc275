// `bertha evaluate`: a model's losses on a corpus, or a fine-tuned model's scores on labelled data.
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data_pipeline/training_data.h"
#include "launch/commands/commands.h"
#include "launch/confusion_counts.h"
#include "launch/confusion_table.h"
#include "launch/corpus_tokenizer.h"
#include "launch/finetune_setup.h"
#include "launch/initial_weights.h"
#include "launch/pretrain_setup.h"
#include "launch/runtime.h"
#include "launch/tuned_model.h"
#include "launch/vocabulary_fit.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/evaluator.h"
#include "trainer/labelled_evaluator.h"
#include "trainer/tasks/pretraining.h"

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

Json scores_of(const Scores& scores, double sequences) {
  Json json;
  for (const auto& [name, value] : scores) json[name] = value;
  json["sequences"] = static_cast<std::uint64_t>(sequences);
  return json;
}

void print_scores(const Json& json, const RunConfig& config) {
  if (config.json) {
    std::cout << json.dump(2) << std::endl;
    return;
  }
  for (const auto& [name, value] : json.items()) {
    if (value.is_number_float()) {
      std::cout << fmt::format("{:<22} {:.4f}\n", name, value.get<double>());
    } else if (value.is_number()) {
      std::cout << fmt::format("{:<22} {}\n", name, value.get<std::uint64_t>());
    }
  }
  std::cout << std::flush;
}

// Whether the next sentence is judged, too. A head that nobody trained has no losses worth telling:
// unless data.next_sentence was asked for, a model without that head is judged by its words alone.
bool has_next_sentence(const RunConfig& config, const std::filesystem::path& folder,
                       const BertConfig& model) {
  const auto words = missing_head_weights(folder, bert_parameters(model, Head::masked_lm, 0));
  if (!words.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} has no {}: no head for masked words that could be evaluated",
                            folder.string(), words.front()),
                "evaluate a model that was pretrained; a base model's head is trained by `bertha "
                "pretrain --train.init` first");
  }
  if (!config.data.next_sentence) return false;
  const auto next = missing_head_weights(folder, bert_parameters(model, Head::pretraining, 0));
  if (next.empty()) return true;
  if (config.was_given("data.next_sentence")) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} has no {}: it was not trained on next sentences", folder.string(),
                            next.front()),
                "--data.next_sentence false evaluates its masked words alone");
  }
  log_info(fmt::format("{} has no next-sentence head: masked words alone are evaluated",
                       folder.string()));
  return false;
}

void evaluate_on_corpus(const RunConfig& given, Runtime& runtime) {
  auto config = with_corpus_tokenizer(given);
  const auto folder = resolve_model_folder(config.trainer.train.init);
  // The model's own shape: [model] options of a recipe say what to train, not what was trained.
  const auto model = read_bert_config(folder / "config.json");
  config.data.next_sentence = has_next_sentence(config, folder, model);
  const bool held_out = TrainingData::has_split(config.data, "validation");
  const TrainingData corpus(config.data, held_out ? "validation" : "train");
  if (!are_padding_rows(folder, model.vocabulary_size, corpus.vocabulary().size())) {
    throw Error(ErrorKind::bad_data,
                fmt::format("the model's vocabulary has {} tokens, the corpus' {}",
                            model.vocabulary_size, corpus.vocabulary().size()),
                "evaluate on a corpus prepared with the model's vocab.txt");
  }
  PretrainingTask task(model, config.data.next_sentence, config.trainer.train.precision,
                       runtime.device());
  load_initial_weights(
      {.from = folder, .vocabulary = &corpus.vocabulary(), .tokenizer = corpus.tokenizer()},
      task.parameters());
  const auto batches = corpus.validation(batch_options(config), runtime.rank(), 0);
  ProgressBar bar("evaluate", batches.size(), "micro-batches",
                  config.trainer.metrics.progress && runtime.rank().is_root());
  const auto evaluation = evaluate(runtime.communicator(), task, batches, runtime.watchdog(),
                                   [&](std::size_t done) { bar.update(done); });
  if (runtime.rank().is_root()) {
    print_scores(scores_of(evaluation.scores, evaluation.totals.sequences), config);
  }
}

// Of classes of texts or words, and of several labels; as in test_errors.json. Returns it as a
// table.
std::string add_confusion(const TunedModel& model, const TestedExamples& tested, Json& json) {
  const auto& labels = tested.label_names;
  if (model.definition.loss == LossKind::cross_entropy) {
    const auto counts = class_counts(tested);
    json["confusion_matrix"] = {{"labels", labels}, {"counts", counts}};
    return confusion_table(labels, counts);
  }
  if (model.definition.loss != LossKind::binary_cross_entropy) return "";
  const auto counts = label_counts(tested);
  json["label_counts"] = {{"labels", labels}, {"counts", counts}};
  return label_table(labels, counts);
}

void evaluate_on_examples(const RunConfig& config, Runtime& runtime) {
  const auto& file = config.task.test.empty() ? config.task.validation : config.task.test;
  check_readable_by_all(runtime.communicator(), {file});
  TunedModel model(config, runtime.device());
  const auto examples = model.load(file, runtime.threads());
  ProgressBar bar("evaluate", examples.sequences.size(), "examples",
                  config.trainer.metrics.progress && runtime.rank().is_root());
  const auto predictions =
      predict_examples({.communicator = runtime.communicator(),
                        .task = *model.task,
                        .watchdog = runtime.watchdog(),
                        .progress = [&](std::size_t done) { bar.update(done); }},
                       examples.sequences, config.trainer.train.micro_batch_tokens);
  const auto scores = score_examples(model.definition, examples, predictions);
  if (!runtime.rank().is_root()) return;
  auto json = scores_of(scores, static_cast<double>(examples.rows));
  json["truncated"] = {{"examples", examples.cut_rows}, {"tokens", examples.lost_tokens}};
  const auto table = add_confusion(model, {examples, predictions, model.head.label_names}, json);
  print_scores(json, config);
  if (!table.empty() && !config.json) std::cout << "\n" << table << std::flush;
}

}  // namespace

int run_evaluate(const RunConfig& config, const MpiEnvironment& mpi) {
  const bool labelled = !config.task.test.empty() || !config.task.validation.empty();
  if (config.trainer.train.init.empty() || (!labelled && config.data.corpus.empty())) {
    throw Error(ErrorKind::usage, "train.init and data.corpus or task.test are needed",
                "bertha evaluate --train.init run --data.corpus corpus, or --task.test test.tsv");
  }
  Runtime runtime(config, mpi);
  if (labelled) {
    evaluate_on_examples(config, runtime);
  } else {
    evaluate_on_corpus(config, runtime);
  }
  return 0;
}

}  // namespace bertha
