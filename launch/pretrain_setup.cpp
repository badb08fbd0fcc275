// Checks and numbers of a pretraining run.
#include "launch/pretrain_setup.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "launch/model_setup.h"
#include "parallel/base/error.h"

namespace bertha {

const RunConfig& check_pretraining(const RunConfig& config) {
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
  require(!train.init_moments || !train.init.empty(), "train.init_moments needs a train.init",
          "name the run or checkpoint to begin with");
  require(config.data.sequence_length >= 8, "data.sequence_length must be at least 8", "");
  return config;
}

BertConfig pretraining_model(const RunConfig& config, std::int32_t vocabulary_size) {
  auto model = resolve_model(config, vocabulary_size);
  if (config.data.sequence_length > model.max_positions) {
    throw Error(ErrorKind::usage,
                fmt::format("data.sequence_length {} exceeds the model's {} positions",
                            config.data.sequence_length, model.max_positions),
                "lower it, or raise model.max_positions");
  }
  return model;
}

Head pretraining_head(const RunConfig& config) {
  return config.data.next_sentence ? Head::pretraining : Head::masked_lm;
}

std::int64_t pretraining_steps(const TrainOptions& train, std::uint64_t samples_in_epoch) {
  if (train.steps > 0) return train.steps;
  const auto samples = train.epochs * static_cast<double>(samples_in_epoch);
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(samples / static_cast<double>(train.global_batch))));
}

BatchOptions batch_options(const RunConfig& config) {
  BatchOptions options;
  options.global_batch = config.trainer.train.global_batch;
  options.micro_batch_tokens = config.trainer.train.micro_batch_tokens;
  options.seed = config.trainer.train.seed;
  options.fixed_micro_batches = config.trainer.train.deterministic;
  return options;
}

}  // namespace bertha
