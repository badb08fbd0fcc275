// The pretraining loop: steps, reports, validation, checkpoints, stopping.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "data_pipeline/batch_stream.h"
#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/trainer_state.h"
#include "trainer/evaluator.h"
#include "trainer/metrics/metrics_sink.h"
#include "trainer/step_times.h"
#include "trainer/train_step.h"

namespace bertha {

struct TrainerOptions {
  std::int64_t total_steps = 0;
  std::int64_t stop_at_step = 0;  // leave early here, resumable; 0: never
  std::int64_t log_every = 10, validate_every = 0, save_every = 0;
  bool async_save = true;  // training goes on while a checkpoint is written
  double peak_flops = 0;   // of all ranks together; 0: unknown
  bool progress = true;
};

// Everything the loop uses, owned by others who outlive it.
struct TrainerParts {
  Communicator& communicator;
  Task& task;
  BatchStream& stream;
  TrainStep& step;
  Optimizer& optimizer;
  LossScaler& loss_scaler;
  CheckpointStore& checkpoints;
  MetricsSink& metrics;  // writes on rank 0 only
  Watchdog& watchdog;
};

struct TrainerCallbacks {
  std::function<bool()> stop_requested;
  std::function<std::string()> stop_reason;  // "SIGTERM"
  std::function<void(double)> saved = {};    // seconds a save took; may be empty
  std::function<Evaluation()> validate;      // empty: no validation split
  std::map<std::string, std::string> files;  // config.json, vocab.txt ... for checkpoints
};

enum class Outcome { completed, stopped };

class Trainer {
 public:
  Trainer(TrainerParts parts, TrainerOptions options, TrainerCallbacks callbacks,
          TrainerState start);

  // Collective. Returns after the last step, or when a stop was agreed and the state is saved. An
  // error is told before a save that is under way is given up, which may take a while.
  Outcome run();
  const TrainerState& state() const { return state_; }

 private:
  Outcome train();
  void account(const StepReport& report, const StepBatches& batches, double seconds);
  void log_train(const StepReport& report);
  void validate();
  void make_up_for_validation();
  CheckpointContents contents() const;
  void save_if_due();
  void save_last();
  void begin_save(bool trains_on);
  void finish_save();
  void report_save(const SaveOutcome& outcome);
  bool due(std::int64_t every) const { return every > 0 && state_.step % every == 0; }

  TrainerParts parts_;
  TrainerOptions options_;
  TrainerCallbacks callbacks_;
  TrainerState state_;
  StepTimes times_;  // since the last train line
  // Since the last train line, but only of this process; sums of scores are part of the state.
  std::int64_t last_saved_ = -1, last_validated_ = -1;  // steps; saved: or being saved
};

}  // namespace bertha
