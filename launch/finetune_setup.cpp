// Checks and numbers of a fine-tuning run.
#include "launch/finetune_setup.h"

#include <cmath>
#include <system_error>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "launch/model_setup.h"
#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

constexpr double kMostEpochs = 1e6;  // whose steps can be counted, however long an epoch is

void check_length(const RunConfig& config) {
  const auto& task = config.task;
  if (!(task.epochs > 0 && task.epochs <= kMostEpochs)) {
    throw Error(ErrorKind::usage,
                fmt::format("task.epochs = {}: expected a number above 0, at most {:.0f}",
                            task.epochs, kMostEpochs));
  }
  if (task.patience < 0) {
    throw Error(ErrorKind::usage,
                fmt::format("task.patience = {}: expected 1 or more epochs, or 0 for never",
                            task.patience));
  }
}

}  // namespace

const RunConfig& check_finetuning(const RunConfig& config) {
  if (config.trainer.train.init.empty() || config.task.train.empty() ||
      config.trainer.train.output.empty()) {
    throw Error(ErrorKind::usage, "train.init, task.train and train.output are all needed",
                "bertha finetune --train.init run --task.train train.tsv --train.output tuned");
  }
  check_length(config);
  return config;
}

RunConfig with_path_of_frozen_layers(RunConfig config, const RankInfo& rank) {
  auto& path = config.trainer.model.implementation;
  if (config.task.freeze_layers == 0 || path != "fused") return config;
  path = "reference";
  config.resolved["model.implementation"] = path;
  if (rank.is_root()) {
    log_warning(
        "model.implementation fused: it computes all gradients, also of the layers that "
        "task.freeze_layers freezes; this run takes the reference path");
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

void check_metric(const TaskOptions& task, const LabelledTaskDefinition& definition,
                  const TaskData& data) {
  if (task.metric == "auto" || task.metric == definition.metric) return;
  const auto outputs = definition.model(data.label_names.size()).outputs;
  Predictions nothing;
  for (const auto& sequence : data.validation.sequences) {
    const auto rows = definition.head == Head::sequence ? 1 : sequence.tokens.size();
    nothing.push_back(at::zeros({static_cast<std::int64_t>(rows), outputs}));
  }
  std::string known;
  for (const auto& [name, value] : score_examples(definition, data.validation, nothing)) {
    if (name == task.metric) return;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::usage,
              fmt::format("task.metric = '{}': expected auto or one of {}", task.metric, known));
}

std::int64_t finetuning_steps(const RunConfig& config, std::int64_t steps_in_epoch) {
  if (config.trainer.train.steps > 0) return config.trainer.train.steps;
  return std::llround(std::ceil(config.task.epochs * static_cast<double>(steps_in_epoch)));
}

void check_readable_by_all(Communicator& communicator,
                           std::initializer_list<std::filesystem::path> files) {
  agree_or_throw(communicator, [&] {
    if (communicator.rank_info().world_size == 1) return;
    for (const auto& file : files) {
      std::error_code none;  // of a file that is not there: whoever reads it says so
      const auto type = std::filesystem::status(file, none).type();
      using Type = std::filesystem::file_type;
      if (type != Type::fifo && type != Type::character && type != Type::socket) continue;
      throw Error(ErrorKind::usage,
                  fmt::format("{} is no file that {} ranks can read, each for itself",
                              file.string(), communicator.rank_info().world_size),
                  "write it to a file first, or run on one rank");
    }
  });
}

}  // namespace bertha
