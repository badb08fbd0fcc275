// Builds a fine-tuning run from its options and carries it through.
#include "launch/finetune_session.h"

#include <fmt/format.h>

#include "data_pipeline/labelled/labelled_batches.h"
#include "launch/finetune_setup.h"
#include "launch/finetune_state.h"
#include "launch/initial_weights.h"
#include "launch/model_card.h"
#include "launch/model_folder.h"
#include "launch/model_setup.h"
#include "launch/optimizer_setup.h"
#include "launch/resume.h"
#include "launch/run_branch.h"
#include "launch/run_metrics.h"
#include "launch/run_outline.h"
#include "launch/schedule_setup.h"
#include "launch/stop_signal.h"
#include "launch/test_errors.h"
#include "launch/time_limit.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/model/initial_weights.h"
#include "trainer/optim/layer_rates.h"
#include "trainer/peak_flops.h"
#include "trainer/tasks/labelled/class_weights.h"
#include "trainer/tasks/labelled/task_table.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

TaskData load_data(const RunConfig& config, const LabelledTaskDefinition& definition,
                   const WordPiece& tokenizer, Runtime& runtime) {
  const auto& task = config.task;
  check_readable_by_all(runtime.communicator(), {task.train, task.validation, task.test});
  return definition.load({task, tokenizer, split_seed(config), runtime.threads()});
}

}  // namespace

FinetuneSession::FinetuneSession(const RunConfig& config, const MpiEnvironment& mpi)
    : config_(check_finetuning(config)),
      definition_(find_task(config.task.name)),
      runtime_(config, mpi),
      source_(resolve_model_folder(config.trainer.train.init)),
      tokenizer_(std::make_unique<ModelTokenizer>(source_)),
      data_(load_data(config, definition_, tokenizer_->wordpiece, runtime_)),
      loss_scaler_(config.trainer.train.precision == Precision::fp16,
                   {.scale = config.trainer.train.loss_scaler.initial},
                   config.trainer.train.loss_scaler) {
  check_metric(config_.task, definition_, data_);
  data_digest_ = examples_digest(data_);
  make_model();
  const auto& options = config.trainer;
  checkpoints_ = std::make_unique<CheckpointStore>(
      options.train.output / "checkpoints", runtime_.communicator(), options.train.retention);
  lock_ = lock_run(options.train.output, runtime_.communicator());
  start_run_folder(config_, runtime_.rank());
  describe();
}

FinetuneSession::~FinetuneSession() = default;

void FinetuneSession::describe() const {
  OutlinedFinetuning run;
  const auto labels = definition_.model(data_.label_names.size());
  run.model = {task_->config(), labels.head, labels.outputs};
  run.machine = {runtime_.rank(), runtime_.device().str(), runtime_.threads()};
  run.train_rows = data_.train.rows;
  run.validation_rows = data_.validation.rows;
  run.test_rows = data_.test.rows;
  run.label_names = data_.label_names;
  run.steps_in_epoch = steps_in_epoch_;
  run.total_steps = total_steps_;
  run.start = "weights from " + source_.string();
  log_outline(outline_finetuning(config_, run));
  const auto cut =
      cut_message(definition_, config_.task, {&data_.train, &data_.validation, &data_.test});
  if (!cut.empty()) log_info(cut);
}

void FinetuneSession::make_model() {
  auto model = finetuning_model(config_, tokenizer_->vocabulary.size());
  // As with_path_of_frozen_layers, for what was left to the program.
  if (config_.task.freeze_layers > 0) model.implementation = Implementation::reference;
  const auto& options = config_.trainer;
  task_ = std::make_unique<LabelledTask>(model, definition_.model(data_.label_names.size()),
                                         options.train.precision, runtime_.device());
  auto& space = task_->parameters();
  // An output layer as wide as Transformers', whose distribution is not cut: with few examples the
  // 12 % less that the cut leaves cost many updates (tests/bench/results/2026-11-27-finetune.md).
  const FreshWeights fresh{model.initializer_range / kDeviationLeft, options.train.seed};
  agree_or_throw(runtime_.communicator(), [&] {
    load_initial_weights({.from = source_,
                          .vocabulary = &tokenizer_->vocabulary,
                          .resize_vocabulary = options.model.resize_vocabulary,
                          .fresh = fresh,
                          .task_head = TaskHead{definition_, data_.label_names}},
                         space);
  });
  set_layer_rates(space, model.layers, {config_.task.layer_decay, config_.task.freeze_layers});
  weigh_classes();
  optimizer_ = resolve_optimizer(options, space, runtime_.communicator());

  steps_in_epoch_ = static_cast<std::int64_t>(
      steps_in_epoch(data_.train.sequences.size(), config_.task.batch_size));
  total_steps_ = finetuning_steps(config_, steps_in_epoch_);
  TrainStepOptions step;
  step.schedule = resolve_schedule(options, total_steps_);
  step.clip_norm = options.clip_norm;
  step.seed = options.train.seed;
  step.precision = options.train.precision;
  step.sharding = resolve_sharding(options);
  step.norm_sharding = possible_sharding(options);
  step.bucket_bytes = runtime_.bucket_bytes();
  step.reduce_precision = options.parallel.reduce_precision;
  step.deterministic = options.train.deterministic;
  step.sample_names = [this](const std::vector<std::uint64_t>& numbers, std::size_t most) {
    return places_of(data_.train, numbers, most);
  };
  step.skipped_steps_count = true;
  step_ = std::make_unique<TrainStep>(TrainStepParts{runtime_.communicator(), *task_, *optimizer_,
                                                     loss_scaler_, runtime_.watchdog()},
                                      step);
}

void FinetuneSession::weigh_classes() {
  const auto& name = config_.task.class_weights;
  const bool several = definition_.loss == LossKind::binary_cross_entropy;
  if (name != "none" && definition_.loss != LossKind::cross_entropy && !several) {
    throw Error(
        ErrorKind::usage,
        fmt::format("task.class_weights = {}: {} has no classes to weigh", name, definition_.name),
        "it is for classification, multi_label and token_classification");
  }
  const auto weights =
      (several ? positive_weights : class_weights)(name, data_.train.sequences, data_.label_names);
  if (!weights.empty()) task_->weigh_classes(weights);
}

std::map<std::string, std::string> FinetuneSession::files() const {
  HeadConfig head;
  head.architecture = head_architecture(definition_.head);
  head.label_names = data_.label_names;
  head.problem_type = definition_.problem_type;
  head.unanswerable = data_.unanswerable;
  return model_files(task_->config(), head, source_);
}

std::string FinetuneSession::card(const FinetuneProgress& progress, const Scores& test) const {
  return finetuning_card({config_, source_.string(), data_, progress, test});
}

FinetuneProgress FinetuneSession::resume() {
  const auto found = agree_on_resume_point(
      config_.trainer.train,
      {runtime_.communicator(), runtime_.watchdog(), config_.trainer.metrics.progress});
  FinetuneProgress progress;
  TrainerState state;
  if (!found.empty()) restore_from(found, progress, state);
  branch_begins_ = begin_branch(config_.trainer.train, state);
  began_from_ = state.began_from;
  resumed_from_ = found;
  return progress;
}

void FinetuneSession::restore_from(const std::string& found, FinetuneProgress& progress,
                                   TrainerState& state) {
  agree_or_throw(runtime_.communicator(), [&] {
    state = read_trainer_state(found);
    check_unchanged(state, config_, data_digest_);
    restore(found, task_->parameters(), *optimizer_);
    const auto& train = config_.trainer.train;
    loss_scaler_ =
        LossScaler(train.precision == Precision::fp16, scaler_state(state), train.loss_scaler);
    progress = finetune_progress(state);
  });
  log_info(fmt::format("resumed from {} (step {})", found, progress.step));
}

std::filesystem::path FinetuneSession::save_state(const FinetuneProgress& progress) {
  CheckpointContents contents;
  store_progress(progress, contents.state);
  store_scaler_state(loss_scaler_.state(), contents.state);
  contents.state.seed = config_.trainer.train.seed;
  contents.state.began_from = began_from_;
  contents.state.corpus_digest = data_digest_;
  contents.state.world_size = runtime_.rank().world_size;
  contents.state.options.insert(config_.resolved.begin(), config_.resolved.end());
  contents.weights = named_weights(task_->parameters());
  const auto& space = task_->parameters();
  contents.moments = moment_slices(
      space, *optimizer_, moments_to_write(space.size(), optimizer_->owned(), runtime_.rank()));
  contents.files = files();
  return checkpoints_->save(contents, &runtime_.watchdog());
}

void FinetuneSession::save_best(const FinetuneProgress& best) {
  agree_or_throw(runtime_.communicator(), [&] {
    if (!runtime_.rank().is_root()) return;
    auto beside = files();
    beside["README.md"] = card(best, {});
    write_model_folder(config_.trainer.train.output / "model", task_->parameters(), beside);
  });
}

// Where a branch begins: model/ is of the epochs that were left behind, or not there.
bool FinetuneSession::best_is_of_others(const FinetuneProgress& progress, bool others_left) {
  double of_others = 0;
  agree_or_throw(runtime_.communicator(), [&] {
    if (!runtime_.rank().is_root() || !branch_begins_ || progress.best_epoch < 0) return;
    const auto model = config_.trainer.train.output / "model";
    of_others = others_left || !std::filesystem::exists(model) ? 1 : 0;
  });
  return agree_sum(runtime_.communicator(), {&of_others, 1}).front() > 0;
}

// Nothing is left to train, and the test was made. Scores of an earlier end are taken away when
// there is: they are not those of the model that comes.
bool FinetuneSession::finished(const FinetuneProgress& progress) {
  const bool trained =
      progress.step >= total_steps_ || patience_spent(progress, config_.task.patience);
  const auto scores = config_.trainer.train.output / "scores.json";
  double there = 0;
  agree_or_throw(runtime_.communicator(), [&] {
    if (!runtime_.rank().is_root()) return;
    if (!trained) std::filesystem::remove(scores);
    there = std::filesystem::exists(scores) ? 1 : 0;
  });
  return trained && agree_sum(runtime_.communicator(), {&there, 1}).front() > 0;
}

Outcome FinetuneSession::run() {
  const auto progress = resume();
  if (finished(progress)) {
    log_info(fmt::format("this run is finished: {}",
                         (config_.trainer.train.output / "scores.json").string()));
    return Outcome::completed;
  }
  const auto left_behind =
      set_aside_left_behind({config_.trainer.train, branch_begins_, resumed_from_, progress.step},
                            runtime_.communicator());
  checkpoints_->starts_at(progress.step);
  auto metrics = open_metrics(config_, runtime_.rank(), progress.step, {});
  MetricsEvent start{progress.step > 0 ? "resume" : "start", progress.step, {}};
  start.add("from", "weights from " + source_.string());
  start.add("task", definition_.name);
  start.add("parameters", task_->parameters().parameter_elements());
  start.add("world_size", static_cast<std::int64_t>(runtime_.rank().world_size));
  start.add("total_steps", total_steps_);
  FinetunerOptions options;
  options.peak_flops = agreed_peak_flops(config_.trainer.train.precision, runtime_.device(),
                                         runtime_.communicator());
  start.add("peak_flops", options.peak_flops);
  metrics.write(start);
  if (!left_behind.empty()) {
    MetricsEvent warning{"warning", progress.step, {}};
    warning.add("message", left_behind);
    metrics.write(warning);
  }
  const bool choose_anew = best_is_of_others(progress, !left_behind.empty());
  options.total_steps = total_steps_;
  const auto stop_after = config_.trainer.train.stop_after_steps;
  options.stop_after = stop_after > 0 ? progress.step + stop_after : 0;
  options.batch_size = config_.task.batch_size;
  options.micro_batch_tokens = config_.trainer.train.micro_batch_tokens;
  options.seed = config_.trainer.train.seed;
  options.deterministic = config_.trainer.train.deterministic;
  options.log_every = config_.trainer.train.log_every;
  options.save_every = config_.trainer.train.save_every;
  options.metric = config_.task.metric;
  options.patience = config_.task.patience;
  options.progress = config_.trainer.metrics.progress;
  FinetunerCallbacks callbacks;
  TimeWatch time(time_limit(config_.trainer.train));
  callbacks.stop_requested = [&time] { return time.stop_wanted() || stop_requested(); };
  callbacks.saved = [&time](double seconds) { time.saved(seconds); };
  callbacks.save_best = [this](const FinetuneProgress& best) { save_best(best); };
  callbacks.save_state = [this](const FinetuneProgress& state) { return save_state(state); };
  Finetuner finetuner(
      {runtime_.communicator(), definition_, *task_, *step_, metrics, runtime_.watchdog()}, options,
      callbacks, progress);
  if (choose_anew) finetuner.choose_anew(steps_in_epoch_);
  // Nothing but the test is left of a run that was ended before it.
  const auto outcome = finetuner.run(data_.train, data_.validation);
  if (outcome == Outcome::completed) test_best(finetuner.progress(), metrics);
  write_run_report(config_.trainer.train.output, runtime_.rank());
  return outcome;
}

// The test split is looked at once, with the weights of the best epoch.
void FinetuneSession::test_best(const FinetuneProgress& progress, MetricsSink& metrics) {
  const auto& output = config_.trainer.train.output;
  agree_or_throw(runtime_.communicator(),
                 [&] { load_initial_weights({.from = output / "model"}, task_->parameters()); });
  Scores scores;
  std::string errors;
  if (data_.test.rows > 0) {
    const auto predictions = predict_examples(
        {runtime_.communicator(), *task_, runtime_.watchdog(), config_.trainer.train.deterministic},
        data_.test.sequences, config_.trainer.train.micro_batch_tokens);
    scores = score_examples(definition_, data_.test, predictions);
    errors = test_errors_json(definition_, {data_.test, predictions, data_.label_names});
    MetricsEvent event{"test", progress.step, {}};
    std::string text;
    for (const auto& [name, value] : scores) {
      event.add(name, value);
      text += fmt::format(", {} {:.4f}", name, value);
    }
    metrics.write(event);
    log_info(fmt::format("test (epoch {}){}", progress.best_epoch, text));
  }
  agree_or_throw(runtime_.communicator(), [&] {
    if (!runtime_.rank().is_root()) return;
    if (!errors.empty()) write_file_atomically(output / "test_errors.json", errors);
    write_file_atomically(output / "model" / "README.md", card(progress, scores));
    write_file_atomically(output / "scores.json", scores_json({progress, scores, data_}));
  });
  metrics.write({"end", progress.step, {}});
}

}  // namespace bertha
