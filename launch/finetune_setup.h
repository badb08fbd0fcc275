// What fine-tuning needs to know before anything is built: checked options, model, length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>

#include "launch/run_config.h"
#include "parallel/base/rank_info.h"
#include "parallel/communicator.h"
#include "trainer/model/bert_config.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

// Error{usage} for what is missing, and for a length that is none.
const RunConfig& check_finetuning(const RunConfig& config);
// Only the reference path leaves the gradients of frozen layers out: model.implementation fused
// becomes reference where task.freeze_layers asks for some, with a warning of rank 0.
RunConfig with_path_of_frozen_layers(RunConfig config, const RankInfo& rank);
// Error{usage}: task.max_length beyond the model's positions.
void check_max_length(const TaskOptions& task, const BertConfig& model);
// Error{usage} as of check_max_length, too.
BertConfig finetuning_model(const RunConfig& config, std::int32_t vocabulary_size);
// Error{usage}, with the names there are, before anything is trained: scores know theirs only when
// they are made, so the validation is scored as if nothing had been predicted.
void check_metric(const TaskOptions& task, const LabelledTaskDefinition& definition,
                  const TaskData& data);
std::int64_t finetuning_steps(const RunConfig& config, std::int64_t steps_in_epoch);
// Error{usage} on every rank when there are several and one of the files is a pipe or a terminal:
// it would be another one, or nothing, for each. Collective. Empty paths are passed over.
void check_readable_by_all(Communicator& communicator,
                           std::initializer_list<std::filesystem::path> files);

}  // namespace bertha
