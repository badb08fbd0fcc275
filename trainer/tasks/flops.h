// FLOPs of training a batch: the accounting of metrics/throughput.h for one of our batches.
#pragma once

#include "data_pipeline/batch.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// Forward and backward, multiply-add = 2; the MLM head counts its masked positions only.
double model_flops(const BertConfig& config, const Batch& batch);

// How many of these are left out where the last layer computes only rows that a head reads
// (model/head_rows.h): all of that layer but keys and values, for the other rows. `first_tokens`: a
// pooler reads the first of each sequence; the MLM head reads the masked ones.
double skipped_flops(const BertConfig& config, const Batch& batch, bool first_tokens);

}  // namespace bertha
