// Model FLOPs of one batch.
#include "trainer/tasks/flops.h"

#include "trainer/metrics/throughput.h"
#include "trainer/tasks/device_batch.h"

namespace bertha {

double model_flops(const BertConfig& config, const Batch& batch) {
  const ModelShape shape{config.layers, config.hidden_size, config.intermediate_size,
                         config.vocabulary_size};
  return training_flops(shape, static_cast<double>(batch.token_count()), squared_lengths(batch),
                        static_cast<double>(batch.masked_positions.size()));
}

}  // namespace bertha
