// Fine-tuning progress in checkpoints, and the scores file.
#pragma once

#include <string>

#include "launch/run_config.h"
#include "trainer/checkpoint/trainer_state.h"
#include "trainer/finetuner.h"

namespace bertha {

void store_progress(const FinetuneProgress& progress, TrainerState& state);
// Error{bad_data} when the state was not written by fine-tuning.
FinetuneProgress finetune_progress(const TrainerState& state);

// What the data of all splits is cut by: the same for runs of several seeds.
std::uint64_t split_seed(const RunConfig& config);
// Of the tokens and labels of all splits, to name another data set on resume.
std::string examples_digest(const TaskData& data);

struct ScoresFile {
  const FinetuneProgress& progress;
  const Scores& test;
  const TaskData& data;
};
// scores.json: `validation` per epoch, `test`, `best_epoch`, example counts, how many were cut to
// task.max_length and lost how many tokens, and where there are classes the share of the most
// frequent training label in the test split.
std::string scores_json(const ScoresFile& scores);

}  // namespace bertha
