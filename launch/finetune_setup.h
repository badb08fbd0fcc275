// What fine-tuning needs to know before anything is built: checked options, model, length.
#pragma once

#include <cstdint>

#include "launch/run_config.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// Error{usage} for what is missing.
const RunConfig& check_finetuning(const RunConfig& config);
// Error{usage}: task.max_length beyond the model's positions.
void check_max_length(const TaskOptions& task, const BertConfig& model);
// Error{usage} as of check_max_length, too.
BertConfig finetuning_model(const RunConfig& config, std::int32_t vocabulary_size);
std::int64_t finetuning_steps(const RunConfig& config, std::int64_t steps_in_epoch);

}  // namespace bertha
