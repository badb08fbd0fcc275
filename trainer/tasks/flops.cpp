// Model FLOPs of one batch.
#include "trainer/tasks/flops.h"

#include <set>

#include "trainer/metrics/throughput.h"
#include "trainer/tasks/device_batch.h"

namespace bertha {

double model_flops(const BertConfig& config, const Batch& batch) {
  const ModelShape shape{config.layers, config.hidden_size, config.intermediate_size,
                         config.vocabulary_size};
  return training_flops(shape, static_cast<double>(batch.token_count()), squared_lengths(batch),
                        static_cast<double>(batch.masked_positions.size()));
}

double skipped_flops(const BertConfig& config, const Batch& batch, bool first_tokens) {
  const std::set<std::int32_t> masked(batch.masked_positions.begin(), batch.masked_positions.end());
  double rows = 0, keys = 0;  // that nothing reads; what they would have attended to
  for (std::size_t s = 0; s + 1 < batch.sequence_offsets.size(); ++s) {
    const auto begin = batch.sequence_offsets[s], end = batch.sequence_offsets[s + 1];
    auto read = std::distance(masked.lower_bound(begin), masked.lower_bound(end));
    if (first_tokens && !masked.contains(begin)) ++read;
    const auto skipped = static_cast<double>(end - begin - read);
    rows += skipped;
    keys += skipped * (end - begin);
  }
  const auto hidden = static_cast<double>(config.hidden_size);
  const auto intermediate = static_cast<double>(config.intermediate_size);
  // Query and output projections and the feed-forward block; scores and their weighted sums.
  return 3 * (2 * rows * (2 * hidden * hidden + 2 * hidden * intermediate) + 4 * hidden * keys);
}

}  // namespace bertha
