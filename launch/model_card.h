// README.md of a model folder: what the model is and what trained it.
#pragma once

#include <filesystem>
#include <string>

#include "launch/run_config.h"
#include "trainer/finetuner.h"

namespace bertha {

// Of a checkpoint of pretraining: shape, steps, data, losses (the newest in its run's metrics.jsonl
// up to its step), options. Of a folder that has no trainer_state.json: the shape.
std::string pretraining_card(const std::filesystem::path& checkpoint);

struct TunedCard {
  const RunConfig& config;
  std::string start;  // the model folder that fine-tuning began with
  const TaskData& data;
  const FinetuneProgress& progress;
  Scores test;  // empty: not made yet
};
std::string finetuning_card(const TunedCard& card);

}  // namespace bertha
