// FLOPs of training a batch: the accounting of metrics/throughput.h for one of our batches.
#pragma once

#include "data_pipeline/batch.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// Forward and backward, multiply-add = 2; the MLM head counts its masked positions only.
double model_flops(const BertConfig& config, const Batch& batch);

}  // namespace bertha
