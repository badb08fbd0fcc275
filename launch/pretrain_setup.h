// What pretraining needs to know before anything is built: checked options, model, length.
#pragma once

#include <cstdint>

#include "data_pipeline/batch_stream.h"
#include "launch/run_config.h"
#include "trainer/model/bert.h"

namespace bertha {

// Error{usage} for what is missing or cannot be.
const RunConfig& check_pretraining(const RunConfig& config);

// Error{usage}: sequences longer than the model's positions, too.
BertConfig pretraining_model(const RunConfig& config, std::int32_t vocabulary_size);
Head pretraining_head(const RunConfig& config);

std::int64_t pretraining_steps(const TrainOptions& train, std::uint64_t samples_in_epoch);

// Settings of the data stream out of the options.
BatchOptions batch_options(const RunConfig& config);

}  // namespace bertha
