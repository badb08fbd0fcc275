// A pretraining run: builds and owns everything, in order; destroyed in reverse.
#pragma once

#include <memory>
#include <optional>

#include "data_pipeline/training_data.h"
#include "launch/run_config.h"
#include "launch/run_lock.h"
#include "launch/run_metrics.h"
#include "launch/runtime.h"
#include "launch/time_limit.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/trainer.h"

namespace bertha {

class Session {
 public:
  // Validates everything, restores or initialises weights, prints what will run. Collective.
  Session(const RunConfig& config, const MpiEnvironment& mpi);
  ~Session();

  Outcome run();
  const TrainerState& state() const { return state_; }  // where the run is

 private:
  void restore_or_initialize();
  void make_stream_and_step();
  void describe() const;
  Evaluation validate();
  SampleTexts sample_texts() const;

  std::optional<TimeLimit> time_limit_;
  Runtime runtime_;
  const RunConfig config_;  // with what the corpus says of its tokenizer
  RunLock lock_;
  TrainingData corpus_;
  std::optional<TrainingData> validation_corpus_;
  std::unique_ptr<PretrainingTask> task_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<LossScaler> loss_scaler_;
  TrainerState state_;
  std::string resumed_from_;          // the checkpoint; empty: none
  bool branch_begins_ = false;        // at this start: see run_branch.h
  std::string start_choice_;          // "fresh weights", "resumed from ..."
  std::vector<std::string> changes_;  // of options, data and model since the checkpoint
  std::uint64_t samples_in_epoch_ = 0;
  std::int64_t total_steps_ = 0;
  std::unique_ptr<BatchStream> stream_;
  std::unique_ptr<TrainStep> step_;
  std::vector<Batch> validation_batches_;  // this rank's share, built at the first validation
};

}  // namespace bertha
