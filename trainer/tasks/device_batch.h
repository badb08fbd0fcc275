// Moves a batch of the data pipeline to the model's device.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "data_pipeline/batch.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/packed_input.h"

namespace bertha {

// Checks ids, segments and lengths against the model first: Error{bad_data} names the sample.
PackedInput pack_input(const Batch& batch, const BertConfig& config, at::Device device);

// [n] int64 on the device.
at::Tensor indices_on(const std::vector<std::int32_t>& values, at::Device device);

// Error{bad_data}: a masked position outside the batch, or a label outside the vocabulary.
void check_predictions(const Batch& batch, const BertConfig& config);

// What the FLOP formula needs of a batch: the sum of squared sequence lengths.
double squared_lengths(const Batch& batch);

}  // namespace bertha
