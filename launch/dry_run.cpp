// The commands up to where something would be built.
#include "launch/dry_run.h"

#include <map>

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_batches.h"
#include "data_pipeline/prepare/foreign_inputs.h"
#include "data_pipeline/prepare/prepare_checks.h"
#include "data_pipeline/shards/foreign_shard.h"
#include "data_pipeline/training_data.h"
#include "launch/corpus_tokenizer.h"
#include "launch/finetune_setup.h"
#include "launch/initial_weights.h"
#include "launch/model_setup.h"
#include "launch/model_tokenizer.h"
#include "launch/pretrain_setup.h"
#include "launch/rank_places.h"
#include "launch/resume.h"
#include "launch/run_outline.h"
#include "launch/runtime.h"
#include "launch/schedule_setup.h"
#include "launch/stop_signal.h"
#include "launch/time_limit.h"
#include "launch/vocabulary_settings.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/progress.h"
#include "parallel/watched_ranks.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/tasks/labelled/task_table.h"

namespace bertha {
namespace {

void check_start(const RunConfig& config, const TrainingData& corpus, OutlinedPretraining& run) {
  const auto& train = config.trainer.train;
  if (const auto found = find_resume_point(train)) {
    const auto state = read_trainer_state(*found);
    check_unchanged(state, config, corpus.digest());
    check_same_model(read_bert_config(*found / "config.json"), run.model.config,
                     train.resume_changed);
    run.done_steps = state.step;
    run.start = fmt::format("resumed from {} (step {})", found->string(), state.step);
  } else if (!train.init.empty()) {
    check_initial_weights({train.init, &corpus.vocabulary(), corpus.tokenizer(),
                           config.trainer.model.resize_vocabulary},
                          bert_parameters(run.model.config, run.model.head, run.model.labels));
    run.start = "weights from " + train.init.string();
  } else {
    run.start = "fresh weights";
  }
}

void plan_pretraining(const RunConfig& given, const Runtime& runtime) {
  const auto config = with_corpus_tokenizer(given);
  const TrainingData corpus(config.data, "train");
  if (TrainingData::has_split(config.data, "validation")) {
    const TrainingData validation(config.data, "validation");
  }
  OutlinedPretraining run;
  run.model = {pretraining_model(config, corpus.vocabulary().size()), pretraining_head(config), 0};
  run.machine = {runtime.rank(), runtime.device().str(), runtime.threads()};
  run.corpus = corpus.description();
  auto stream = batch_options(config);
  stream.prefetch = 0;
  run.samples_in_epoch = corpus.stream(stream, {}, {})->samples_in_epoch(0);
  run.total_steps = pretraining_steps(config.trainer.train, run.samples_in_epoch);
  resolve_schedule(config.trainer, run.total_steps);
  check_start(config, corpus, run);
  check_writable(config.trainer.train.output.string());
  print_dry_run(outline_pretraining(config, run));
}

void plan_finetuning(const RunConfig& config, const Runtime& runtime) {
  const auto& train = config.trainer.train;
  const auto& definition = find_task(config.task.name);
  const auto source = resolve_model_folder(train.init);
  const ModelTokenizer tokenizer(source);
  const auto data =
      definition.load({config.task, tokenizer.wordpiece, train.seed, runtime.threads()});
  check_metric(config.task, definition, data);
  const auto shape = finetuning_model(config, tokenizer.vocabulary.size());
  const auto labels = definition.model(data.label_names.size());
  OutlinedFinetuning run;
  run.model = {shape, labels.head, labels.outputs};
  run.machine = {runtime.rank(), runtime.device().str(), runtime.threads()};
  run.train_rows = data.train.rows;
  run.validation_rows = data.validation.rows;
  run.test_rows = data.test.rows;
  run.label_names = data.label_names;
  run.steps_in_epoch = static_cast<std::int64_t>(
      steps_in_epoch(data.train.sequences.size(), config.task.batch_size));
  run.total_steps = finetuning_steps(config, run.steps_in_epoch);
  resolve_schedule(config.trainer, run.total_steps);
  check_initial_weights({.from = source,
                         .vocabulary = &tokenizer.vocabulary,
                         .task_head = TaskHead{definition, data.label_names}},
                        bert_parameters(run.model.config, run.model.head, run.model.labels));
  run.start = "weights from " + source.string();
  if (const auto found = find_resume_point(train)) {
    const auto state = read_trainer_state(*found);
    check_unchanged(state, config, "");
    run.start = fmt::format("resumed from {} (step {})", found->string(), state.step);
  }
  check_writable(train.output.string());
  print_dry_run(outline_finetuning(config, run));
}

// Opens every file, as the run would.
std::string foreign_input_text(const InputOptions& input) {
  const auto files = foreign_input_files(input);
  double bytes = 0;
  std::uint64_t rows = 0;
  for (const auto& file : files) {
    const ForeignShard shard(file);
    bytes += static_cast<double>(shard.bytes());
    rows += shard.rows();
  }
  return fmt::format("{} shard(s) of samples, {} rows, {} on disk", files.size(),
                     human_count(static_cast<double>(rows)), human_bytes(bytes));
}

std::string text_input_text(const std::vector<InputFile>& files) {
  std::map<std::string, std::size_t> formats;
  double bytes = 0;
  for (const auto& file : files) {
    ++formats[text_format_name(file.format)];
    bytes += static_cast<double>(file.bytes);
  }
  std::string text;
  for (const auto& [format, count] : formats) {
    text += fmt::format("{}{} file{} of format {}", text.empty() ? "" : ", ", count,
                        count == 1 ? "" : "s", format);
  }
  return text + ", " + human_bytes(bytes) + " on disk";
}

}  // namespace

void dry_run_pretraining(const RunConfig& config, const MpiEnvironment& mpi) {
  check_pretraining(config);
  time_limit(config.trainer.train);
  Runtime runtime(config, mpi);
  agree_or_throw(runtime.communicator(), [&] {
    if (runtime.rank().is_root()) plan_pretraining(config, runtime);
  });
}

void dry_run_finetuning(const RunConfig& config, const MpiEnvironment& mpi) {
  check_finetuning(config);
  time_limit(config.trainer.train);
  Runtime runtime(config, mpi);
  agree_or_throw(runtime.communicator(), [&] {
    if (runtime.rank().is_root()) plan_finetuning(config, runtime);
  });
}

void dry_run_prepare(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto& options = config.prepare;
  check_prepare_options(options);
  const auto vocabulary = load_vocabulary(options.vocabulary);
  const auto settings = settings_for_vocabulary(config);
  const bool foreign = options.input.format == TextFormat::nvidia;
  const auto input = foreign ? foreign_input_text(options.input)
                             : text_input_text(find_input_files(options.input));
  check_output_folder(options.output);
  check_writable(options.output.string());
  const WatchedRanks ranks(mpi.rank_info(), timeout_of(config), termination_requested);
  const int threads =
      agree_on_place(ranks.communicator(), find_place(options.workers, false)).threads;
  if (!mpi.rank_info().is_root()) return;
  print_dry_run(
      {{"input", input},
       {"tokens", fmt::format("{}: {} tokens, {}", options.vocabulary.string(), vocabulary.size(),
                              settings.lower_case ? "lower-cased" : "cased")},
       {"ranks", outlined_machine({mpi.rank_info(), "cpu", threads})},
       {"shards", fmt::format("of about {} tokens; {:.3g} % of the {} held out",
                              human_count(static_cast<double>(options.shard_tokens)),
                              options.validation_fraction * 100, foreign ? "rows" : "documents")},
       {"results", options.output.string()}});
}

}  // namespace bertha
