// Checks and numbers of a fine-tuning run.
#include "launch/finetune_setup.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "launch/model_setup.h"
#include "parallel/base/error.h"

namespace bertha {

const RunConfig& check_finetuning(const RunConfig& config) {
  if (config.trainer.train.init.empty() || config.task.train.empty() ||
      config.trainer.train.output.empty()) {
    throw Error(ErrorKind::usage, "train.init, task.train and train.output are all needed",
                "bertha finetune --train.init run --task.train train.tsv --train.output tuned");
  }
  return config;
}

void check_max_length(const TaskOptions& task, const BertConfig& model) {
  if (task.max_length <= model.max_positions) return;
  throw Error(ErrorKind::usage, fmt::format("task.max_length {} exceeds the model's {} positions",
                                            task.max_length, model.max_positions));
}

BertConfig finetuning_model(const RunConfig& config, std::int32_t vocabulary_size) {
  auto model = resolve_model(config, vocabulary_size);
  check_max_length(config.task, model);
  return model;
}

std::int64_t finetuning_steps(const RunConfig& config, std::int64_t steps_in_epoch) {
  if (config.trainer.train.steps > 0) return config.trainer.train.steps;
  const double steps = std::ceil(config.task.epochs * static_cast<double>(steps_in_epoch));
  return std::max<std::int64_t>(1, std::llround(steps));
}

}  // namespace bertha
