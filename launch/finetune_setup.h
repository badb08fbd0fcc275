// What fine-tuning needs to know before anything is built: checked options, model, length.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>

#include "launch/run_config.h"
#include "parallel/communicator.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// Error{usage} for what is missing, and for a length that is none.
const RunConfig& check_finetuning(const RunConfig& config);
// Error{usage}: task.max_length beyond the model's positions.
void check_max_length(const TaskOptions& task, const BertConfig& model);
// Error{usage} as of check_max_length, too.
BertConfig finetuning_model(const RunConfig& config, std::int32_t vocabulary_size);
std::int64_t finetuning_steps(const RunConfig& config, std::int64_t steps_in_epoch);
// Error{usage} on every rank when there are several and one of the files is a pipe or a terminal:
// it would be another one, or nothing, for each. Collective. Empty paths are passed over.
void check_readable_by_all(Communicator& communicator,
                           std::initializer_list<std::filesystem::path> files);

}  // namespace bertha
