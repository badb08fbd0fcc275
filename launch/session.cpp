// Builds a pretraining run from its options, in the order things depend on each other.
#include "launch/session.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/corpus_tokenizer.h"
#include "launch/decoded_text.h"
#include "launch/initial_moments.h"
#include "launch/initial_weights.h"
#include "launch/model_setup.h"
#include "launch/optimizer_setup.h"
#include "launch/options.h"
#include "launch/pretrain_setup.h"
#include "launch/resume.h"
#include "launch/run_branch.h"
#include "launch/run_metrics.h"
#include "launch/run_outline.h"
#include "launch/sample_listing.h"
#include "launch/schedule_setup.h"
#include "launch/stop_signal.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "trainer/kernels/kernels.h"
#include "trainer/peak_flops.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

constexpr std::uint64_t kEntropyTokens = 20'000'000;  // enough for two decimals

}  // namespace

Session::Session(const RunConfig& config, const MpiEnvironment& mpi)
    : time_limit_(time_limit(check_pretraining(config).trainer.train)),
      runtime_(config, mpi),
      config_(with_corpus_tokenizer(config)),
      corpus_(config.data, "train") {
  if (TrainingData::has_split(config.data, "validation")) {
    validation_corpus_.emplace(config.data, "validation");
  }
  const auto model = pretraining_model(config, corpus_.vocabulary().size());
  const auto& options = config.trainer;
  task_ = std::make_unique<PretrainingTask>(model, config.data.next_sentence,
                                            options.train.precision, runtime_.device());
  auto& space = task_->parameters();
  optimizer_ = resolve_optimizer(options, space, runtime_.communicator());
  lock_ = lock_run(options.train.output, runtime_.communicator());
  restore_or_initialize();
  make_stream_and_step();
  start_run_folder(config_, runtime_.rank());
  describe();
}

Session::~Session() = default;

void Session::restore_or_initialize() {
  auto& space = task_->parameters();
  const auto& train = config_.trainer.train;
  const auto found = agree_on_resume_point(
      train, {runtime_.communicator(), runtime_.watchdog(), config_.trainer.metrics.progress});
  agree_or_throw(runtime_.communicator(), [&] {
    if (!found.empty()) {
      check_checkpoint(found, CheckpointCheck::sizes);  // rank 0 has seen every byte of it
      state_ = read_trainer_state(found);
      changes_ = check_unchanged(state_, config_, corpus_.digest());
      const auto model =
          check_same_model(read_bert_config(std::filesystem::path(found) / "config.json"),
                           task_->config(), train.resume_changed);
      changes_.insert(changes_.end(), model.begin(), model.end());
      restore(found, space, *optimizer_);
      resumed_from_ = found;
      start_choice_ = fmt::format("resumed from {} (step {})", found, state_.step);
    } else {
      const FreshWeights fresh{task_->config().initializer_range, train.seed};
      if (train.init.empty()) {
        space.initialize(fresh.range, fresh.seed);
      } else {
        load_initial_weights({.from = train.init,
                              .vocabulary = &corpus_.vocabulary(),
                              .tokenizer = corpus_.tokenizer(),
                              .resize_vocabulary = config_.trainer.model.resize_vocabulary,
                              .fresh = fresh},
                             space);
      }
      if (train.init_moments) {
        state_.earlier_updates = load_initial_moments(train.init, space, *optimizer_);
      }
      start_choice_ = train.init.empty() ? "fresh weights" : "weights from " + train.init.string();
    }
  });
  loss_scaler_ = std::make_unique<LossScaler>(
      train.precision == Precision::fp16,
      found.empty() ? LossScalerState{.scale = train.loss_scaler.initial} : scaler_state(state_),
      train.loss_scaler);
  require_equal(runtime_.communicator(), "the corpus", corpus_.digest());
  const auto weights = space.master().cpu();
  require_equal(runtime_.communicator(), "the weights",
                fmt::format("{:.17g}", sum_of_squares(weights.data_ptr<float>(), weights.numel())));
  branch_begins_ = begin_branch(train, state_);
  state_.seed = train.seed;
  state_.world_size = runtime_.rank().world_size;
  state_.corpus_digest = corpus_.digest();
  state_.options = config_.resolved;
}

void Session::make_stream_and_step() {
  const StreamCursor start{state_.epoch, state_.next_sample, state_.samples};
  stream_ = corpus_.stream(batch_options(config_), runtime_.rank(), start);
  // With train.steps the number is for display: of the epoch whose order is there anyway.
  samples_in_epoch_ = stream_->samples_in_epoch(config_.trainer.train.steps > 0 ? state_.epoch : 0);
  total_steps_ = pretraining_steps(config_.trainer.train, samples_in_epoch_);
  TrainStepOptions options;
  options.schedule = resolve_schedule(config_.trainer, total_steps_);
  options.clip_norm = config_.trainer.clip_norm;
  options.earlier_updates = state_.earlier_updates;
  options.seed = config_.trainer.train.seed;
  options.precision = config_.trainer.train.precision;
  options.sharding = resolve_sharding(config_.trainer);
  options.norm_sharding = possible_sharding(config_.trainer);
  options.deterministic = config_.trainer.train.deterministic;
  options.bucket_bytes = runtime_.bucket_bytes();
  options.reduce_precision = config_.trainer.parallel.reduce_precision;
  step_ = std::make_unique<TrainStep>(TrainStepParts{runtime_.communicator(), *task_, *optimizer_,
                                                     *loss_scaler_, runtime_.watchdog()},
                                      options);
}

void Session::describe() const {
  OutlinedPretraining run;
  run.model = {task_->config(), pretraining_head(config_), 0};
  run.machine = {runtime_.rank(), runtime_.device().str(), runtime_.threads()};
  run.corpus = corpus_.description();
  run.samples_in_epoch = samples_in_epoch_;
  run.total_steps = total_steps_;
  run.done_steps = state_.step;
  run.start = start_choice_;
  log_outline(outline_pretraining(config_, run));
  if (!time_limit_) return;
  const auto left = time_limit_->ends_at - static_cast<double>(std::time(nullptr));
  log_info(
      fmt::format("this job may take {}; it stops and saves {} before, and sooner by "
                  "as much as a step and a save take",
                  human_seconds(left), human_seconds(time_limit_->ends_at - time_limit_->stop_at)));
}

Evaluation Session::validate() {
  if (validation_batches_.empty()) {
    const auto most = config_.trainer.train.validation_batches * config_.trainer.train.global_batch;
    validation_batches_ =
        validation_corpus_->validation(batch_options(config_), runtime_.rank(),
                                       static_cast<std::uint64_t>(std::max<std::int64_t>(0, most)));
  }
  return evaluate(runtime_.communicator(), *task_, validation_batches_, runtime_.watchdog());
}

// A few of the samples that training begins with, for TensorBoard.
SampleTexts Session::sample_texts() const {
  constexpr int kSamples = 5;
  SampleTexts texts;
  if (!runtime_.rank().is_root() || !config_.trainer.metrics.tensorboard || state_.step > 0) {
    return texts;
  }
  auto options = config_;
  options.samples = kSamples;
  for (const auto& sample : list_samples(options)) {
    texts.emplace_back(std::to_string(texts.size() + 1), sample_markdown(sample));
  }
  return texts;
}

Outcome Session::run() {
  const auto& train = config_.trainer.train;
  if (state_.step >= total_steps_) {
    log_info(
        fmt::format("all {} steps are done already; raise train.steps to train on", total_steps_));
    return Outcome::completed;
  }
  const auto left_behind = set_aside_left_behind(
      {train, branch_begins_, resumed_from_, state_.step}, runtime_.communicator());
  auto metrics = open_metrics(config_, runtime_.rank(), state_.step, sample_texts());
  CheckpointStore checkpoints(train.output / "checkpoints", runtime_.communicator(),
                              train.retention);
  checkpoints.starts_at(state_.step);
  TrainerOptions options{total_steps_,
                         train.stop_after_steps > 0 ? state_.step + train.stop_after_steps : 0,
                         train.log_every,
                         train.validate_every,
                         train.save_every,
                         train.async_save,
                         0,
                         config_.trainer.metrics.progress};
  options.peak_flops =
      agreed_peak_flops(train.precision, runtime_.device(), runtime_.communicator());

  TrainerCallbacks callbacks;
  TimeWatch time(time_limit_);
  callbacks.stop_requested = [&time] { return time.stop_wanted() || stop_requested(); };
  callbacks.stop_reason = [&time] {
    return std::string(stop_requested() ? stop_signal_name()
                       : time.reached() ? "time limit"
                                        : "train.stop_after_steps");
  };
  callbacks.saved = [&time](double seconds) { time.saved(seconds); };
  if (validation_corpus_) callbacks.validate = [this] { return validate(); };
  callbacks.files = model_files(task_->config(), {head_architecture(task_->head()), {}, ""}, {});
  callbacks.files.merge(corpus_.tokenizer_files());

  MetricsEvent event{state_.step > 0 ? "resume" : "start", state_.step, {}};
  event.add("from", start_choice_);
  if (!changes_.empty()) event.add("changed", fmt::format("{}", fmt::join(changes_, "; ")));
  event.add("parameters", task_->parameters().parameter_elements());
  event.add("world_size", static_cast<std::int64_t>(runtime_.rank().world_size));
  event.add("total_steps", total_steps_);
  event.add("peak_flops", options.peak_flops);
  if (runtime_.rank().is_root()) {
    const double entropy = corpus_.unigram_entropy(kEntropyTokens);
    event.add("unigram_entropy", entropy);
    log_info(fmt::format("knowing word frequencies alone gives a masked-word loss of {:.2f} nats",
                         entropy));
  }
  metrics.write(event);
  if (!left_behind.empty()) {
    MetricsEvent warning{"warning", state_.step, {}};
    warning.add("message", left_behind);
    metrics.write(warning);
  }

  Trainer trainer({runtime_.communicator(), *task_, *stream_, *step_, *optimizer_, *loss_scaler_,
                   checkpoints, metrics, runtime_.watchdog()},
                  options, callbacks, state_);
  const auto outcome = trainer.run();
  state_ = trainer.state();
  write_run_report(train.output, runtime_.rank());
  return outcome;
}

}  // namespace bertha
