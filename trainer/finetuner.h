// The fine-tuning loop: epochs of steps, a validation after each, the best epoch's weights kept.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "trainer/labelled_evaluator.h"
#include "trainer/metrics/metrics_sink.h"
#include "trainer/step_times.h"
#include "trainer/train_step.h"
#include "trainer/trainer.h"

namespace bertha {

struct FinetunerOptions {
  std::int64_t total_steps = 0;  // from task.epochs
  std::int64_t stop_after = 0;   // end early at this step, resumable; 0: never
  std::int64_t batch_size = 32;
  std::int64_t micro_batch_tokens = 8192;
  std::uint64_t seed = 1;
  bool deterministic = false;  // the same bits on any number of ranks
  std::int64_t log_every = 10;
  std::int64_t save_every = 0;  // steps between states saved within an epoch; 0: none
  std::string metric = "auto";  // auto: the task's own
  int patience = 0;
  double peak_flops = 0;  // of all ranks together; 0: unknown
  bool progress = true;
};

struct FinetunerParts {
  Communicator& communicator;
  const LabelledTaskDefinition& definition;
  LabelledTask& task;
  TrainStep& step;
  MetricsSink& metrics;
  Watchdog& watchdog;
};

// Where fine-tuning is; travels in trainer_state.json.
struct FinetuneProgress {
  std::int64_t step = 0;     // batches used up: where in the data and its epochs
  std::int64_t updates = 0;  // of the weights: fewer, where fp16 overflowed; the schedule's number
  std::uint64_t samples = 0, tokens = 0;  // of these batches
  std::vector<Scores> validations;        // by epoch
  std::int64_t best_epoch = -1;           // -1: none had a score that is a finite number
  double best_score = 0;
};

// With the last validation; patience 0: never.
bool patience_spent(const FinetuneProgress& progress, int patience);

struct FinetunerCallbacks {
  std::function<bool()> stop_requested;
  std::function<void(const FinetuneProgress&)> save_best;  // after an epoch that was the best
  std::function<void(double)> saved = {};                  // seconds a save took; may be empty
  // After every epoch, on a stop, and every save_every steps. What it throws on all ranks alike is
  // a warning, unless the run ends there.
  std::function<std::filesystem::path(const FinetuneProgress&)> save_state;  // the checkpoint
};

class Finetuner {
 public:
  Finetuner(FinetunerParts parts, FinetunerOptions options, FinetunerCallbacks callbacks,
            FinetuneProgress start);

  // Collective. Stops are honoured after the current step; a validation that was due then comes
  // first when the run goes on. Error{internal}: no epoch had a score
  // that is a finite number.
  Outcome run(const ExampleSet& train, const ExampleSet& validation);
  // Before run(): the best weights so far are not those that were kept. The start's own are the
  // first to choose from if an epoch ended there; else those of the next epoch, after a warning.
  void choose_anew(std::int64_t steps_per_epoch);
  const FinetuneProgress& progress() const { return progress_; }

 private:
  StepReport train_step(const std::vector<EncodedExample>& train, std::int64_t steps_per_epoch);
  void log_train(const StepReport& report, std::int64_t steps_per_epoch);
  bool at_epoch_end(std::int64_t steps_per_epoch) const;
  void finish_epoch(const ExampleSet& validation);
  void choose(double score);
  void warn(const std::string& message);
  void save_state(bool last);
  bool done() const;
  void require_best_epoch() const;
  double chosen_score(const Scores& scores) const;

  FinetunerParts parts_;
  FinetunerOptions options_;
  FinetunerCallbacks callbacks_;
  FinetuneProgress progress_;
  std::int64_t saved_step_ = -1;
  StepTimes times_;  // since the last train line
};

}  // namespace bertha
