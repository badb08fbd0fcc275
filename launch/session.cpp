// Builds a pretraining run from its options, in the order things depend on each other.
#include "launch/session.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "launch/model_setup.h"
#include "launch/options.h"
#include "launch/resume.h"
#include "launch/run_metrics.h"
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

const RunConfig& checked(const RunConfig& config) {
  const auto require = [](bool holds, const char* message, const char* remedy) {
    if (!holds) throw Error(ErrorKind::usage, message, remedy);
  };
  const auto& train = config.trainer.train;
  require(!config.data.corpus.empty(), "data.corpus is missing",
          "make one with `bertha prepare` and give it: --data.corpus corpus");
  require(!train.output.empty(), "train.output is missing",
          "name a run folder: --train.output run");
  require(train.steps > 0 || train.epochs > 0, "train.steps and train.epochs are both 0",
          "say how long to train: --train.steps 10000");
  require(train.steps >= 0 && train.global_batch > 0 && train.micro_batch_tokens > 0,
          "train.steps, train.global_batch and train.micro_batch_tokens must be positive", "");
  require(config.data.sequence_length >= 8, "data.sequence_length must be at least 8", "");
  return config;
}

Sharding sharding(const TrainerConfig& options) {
  if (!options.parallel.shard_optimizer) return Sharding::none;
  return options.train.deterministic ? Sharding::whole_parameters : Sharding::even;
}

std::int64_t steps_of(const RunConfig& config, BatchStream& stream) {
  const auto& train = config.trainer.train;
  if (train.steps > 0) return train.steps;
  const auto samples = train.epochs * static_cast<double>(stream.samples_in_epoch(0));
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(samples / static_cast<double>(train.global_batch))));
}

}  // namespace

BatchOptions batch_options(const RunConfig& config) {
  BatchOptions options;
  options.global_batch = config.trainer.train.global_batch;
  options.micro_batch_tokens = config.trainer.train.micro_batch_tokens;
  options.seed = config.trainer.train.seed;
  options.fixed_micro_batches = config.trainer.train.deterministic;
  return options;
}

Session::Session(const RunConfig& config, const MpiEnvironment& mpi)
    : config_(checked(config)),
      time_limit_(time_limit(config.trainer.train)),
      runtime_(config, mpi),
      corpus_(config.data, "train") {
  if (TrainingData::has_split(config.data, "validation")) {
    validation_corpus_.emplace(config.data, "validation");
  }
  const auto model = resolve_model(config, corpus_.vocabulary().size());
  if (config.data.sequence_length > model.max_positions) {
    throw Error(ErrorKind::usage,
                fmt::format("data.sequence_length {} exceeds the model's {} positions",
                            config.data.sequence_length, model.max_positions),
                "lower it, or raise model.max_positions");
  }
  const auto& options = config.trainer;
  task_ = std::make_unique<PretrainingTask>(model, config.data.next_sentence,
                                            options.train.precision, runtime_.device());
  auto& space = task_->parameters();
  optimizer_ = make_optimizer(options.optimizer, space,
                              owned_range(space, runtime_.rank(), sharding(options)),
                              [this](at::Tensor values) {
                                runtime_.communicator().all_reduce(values, ReduceOp::sum)->wait();
                              });
  restore_or_initialize();
  make_stream_and_step();
  start_run_folder(config_, runtime_.rank());
  describe();
}

Session::~Session() = default;

void Session::restore_or_initialize() {
  auto& space = task_->parameters();
  const auto& train = config_.trainer.train;
  // Rank 0 decides, because ranks may see a shared folder at different moments.
  std::string found;
  agree_or_throw(runtime_.communicator(), [&] {
    if (!runtime_.rank().is_root()) return;
    if (const auto folder = find_resume_point(train)) found = folder->string();
  });
  found = runtime_.communicator().gather_bytes(found).front();
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
      start_choice_ = fmt::format("resumed from {} (step {})", found, state_.step);
    } else {
      space.initialize(task_->config().initializer_range, train.seed);
      if (!train.init.empty()) load_initial_weights(train.init, space);
      start_choice_ = train.init.empty() ? "fresh weights" : "weights from " + train.init.string();
    }
  });
  loss_scaler_ = std::make_unique<LossScaler>(
      train.precision == Precision::fp16, found.empty() ? LossScalerState{} : scaler_state(state_));
  const auto weights = space.master().cpu();
  require_equal(runtime_.communicator(), "the weights",
                fmt::format("{:.17g}", sum_of_squares(weights.data_ptr<float>(), weights.numel())));
  state_.seed = train.seed;
  state_.world_size = runtime_.rank().world_size;
  state_.corpus_digest = corpus_.digest();
  state_.options = config_.resolved;
}

void Session::make_stream_and_step() {
  const StreamCursor start{state_.epoch, state_.next_sample, state_.samples};
  stream_ = corpus_.stream(batch_options(config_), runtime_.rank(), start);
  total_steps_ = steps_of(config_, *stream_);
  TrainStepOptions options;
  options.schedule = resolve_schedule(config_.trainer, total_steps_);
  options.clip_norm = config_.trainer.clip_norm;
  options.seed = config_.trainer.train.seed;
  options.precision = config_.trainer.train.precision;
  options.sharding = sharding(config_.trainer);
  options.deterministic = config_.trainer.train.deterministic;
  options.bucket_bytes = config_.trainer.parallel.bucket_bytes;
  options.reduce_precision = config_.trainer.parallel.reduce_precision;
  step_ = std::make_unique<TrainStep>(TrainStepParts{runtime_.communicator(), *task_, *optimizer_,
                                                     *loss_scaler_, runtime_.watchdog()},
                                      options);
}

void Session::describe() const {
  const auto& model = task_->config();
  const auto& rank = runtime_.rank();
  log_info(fmt::format(
      "BERT {} layers, hidden {}, {} parameters, {}; {} rank(s) on {}, {} thread(s) each",
      model.layers, model.hidden_size,
      human_count(static_cast<double>(task_->parameters().parameter_elements())),
      precision_name(config_.trainer.train.precision), rank.world_size, runtime_.device().str(),
      runtime_.threads()));
  log_info(fmt::format("corpus {}: {}; {} sequences of up to {} tokens a step",
                       config_.data.corpus.string(), corpus_.description(),
                       config_.trainer.train.global_batch, config_.data.sequence_length));
  log_info(fmt::format("{}; {} steps in all; results in {}", start_choice_, total_steps_,
                       config_.trainer.train.output.string()));
  if (!time_limit_) return;
  const auto left = time_limit_->ends_at - static_cast<double>(std::time(nullptr));
  log_info(fmt::format("this job may take {}; it stops and saves {} before", human_seconds(left),
                       human_seconds(time_limit_->ends_at - time_limit_->stop_at)));
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

Outcome Session::run() {
  const auto& train = config_.trainer.train;
  if (state_.step >= total_steps_) {
    log_info(
        fmt::format("all {} steps are done already; raise train.steps to train on", total_steps_));
    return Outcome::completed;
  }
  auto metrics = open_metrics(train.output, config_.trainer.metrics, runtime_.rank(), state_.step);
  CheckpointStore checkpoints(train.output / "checkpoints", runtime_.communicator(),
                              train.retention);
  TrainerOptions options{total_steps_,
                         train.stop_after_steps > 0 ? state_.step + train.stop_after_steps : 0,
                         train.log_every,
                         train.validate_every,
                         train.save_every,
                         train.async_save,
                         0,
                         config_.trainer.metrics.progress};
  const double peak[] = {measure_peak_flops(train.precision, runtime_.device())};
  options.peak_flops = agree_sum(runtime_.communicator(), peak)[0];

  TrainerCallbacks callbacks;
  callbacks.stop_requested = [this] { return stop_requested() || reached(time_limit_); };
  callbacks.stop_reason = [this] {
    return std::string(stop_requested()       ? stop_signal_name()
                       : reached(time_limit_) ? "time limit"
                                              : "train.stop_after_steps");
  };
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

  Trainer trainer({runtime_.communicator(), *task_, *stream_, *step_, *optimizer_, *loss_scaler_,
                   checkpoints, metrics, runtime_.watchdog()},
                  options, callbacks, state_);
  const auto outcome = trainer.run();
  state_ = trainer.state();
  write_run_report(train.output, runtime_.rank());
  return outcome;
}

}  // namespace bertha
