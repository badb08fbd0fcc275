// Fine-tuning progress in checkpoints, and the scores file.
#pragma once

#include <string>

#include "trainer/checkpoint/trainer_state.h"
#include "trainer/finetuner.h"

namespace bertha {

void store_progress(const FinetuneProgress& progress, TrainerState& state);
// Error{bad_data} when the state was not written by fine-tuning.
FinetuneProgress finetune_progress(const TrainerState& state);

struct ScoresFile {
  const FinetuneProgress& progress;
  const Scores& test;
  const TaskData& data;
};
// scores.json: `validation` per epoch, `test`, `best_epoch`, example counts, and where there are
// classes the share of the most frequent training label in the test split.
std::string scores_json(const ScoresFile& scores);

}  // namespace bertha
