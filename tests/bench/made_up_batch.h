// Batches of made-up tokens for benchmarks.
#pragma once

#include <cstdint>
#include <string>

#include "data_pipeline/batch.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// `length` is one number, or shortest-longest for lengths spread evenly between them, or `mlperf`
// for Wikipedia's as MLPerf cuts them (half of 512 in the mean; 32 sequences have them all). Every
// 20 tokens, the 3rd, 9th and 15th are predicted: 15 %. peer_step.py does the same.
Batch make_batch(const BertConfig& config, std::int64_t sequences, const std::string& length);

}  // namespace bertha
