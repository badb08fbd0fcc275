// A fine-tuning run: data, model, loop, scores.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "launch/model_tokenizer.h"
#include "launch/run_config.h"
#include "launch/run_lock.h"
#include "launch/runtime.h"
#include "trainer/finetuner.h"

namespace bertha {

class FinetuneSession {
 public:
  FinetuneSession(const RunConfig& config, const MpiEnvironment& mpi);
  ~FinetuneSession();

  // Writes <output>/model and <output>/scores.json. Collective.
  Outcome run();

 private:
  void make_model();
  void weigh_classes();
  bool finished(const FinetuneProgress& progress);
  void describe() const;
  FinetuneProgress resume();
  void restore_from(const std::string& found, FinetuneProgress& progress, TrainerState& state);
  void save_best(const FinetuneProgress& best);
  bool best_is_of_others(const FinetuneProgress& progress, bool others_left);
  std::filesystem::path save_state(const FinetuneProgress& progress);
  void test_best(const FinetuneProgress& progress, MetricsSink& metrics);
  std::map<std::string, std::string> files() const;
  // README.md of the model; `test` empty before it was made.
  std::string card(const FinetuneProgress& progress, const Scores& test) const;

  const RunConfig& config_;
  const LabelledTaskDefinition& definition_;
  Runtime runtime_;
  RunLock lock_;
  std::filesystem::path source_;  // the model folder that train.init means
  std::unique_ptr<ModelTokenizer> tokenizer_;
  TaskData data_;
  std::string data_digest_;
  std::int64_t total_steps_ = 0, steps_in_epoch_ = 0;
  std::unique_ptr<LabelledTask> task_;
  std::unique_ptr<Optimizer> optimizer_;
  LossScaler loss_scaler_;
  std::string resumed_from_, began_from_;  // checkpoints; empty: none
  bool branch_begins_ = false;             // at this start: see run_branch.h
  std::unique_ptr<TrainStep> step_;
  std::unique_ptr<CheckpointStore> checkpoints_;
};

}  // namespace bertha
