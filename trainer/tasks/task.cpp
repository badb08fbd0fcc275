// Counts of batches.
#include "trainer/tasks/task.h"

#include <algorithm>

namespace bertha {

BatchTotals count_batches(std::span<const Batch> batches) {
  BatchTotals totals;
  for (const auto& batch : batches) {
    totals.predictions += static_cast<double>(batch.masked_positions.size());
    totals.sequences += static_cast<double>(batch.sequence_count());
    totals.tokens += static_cast<double>(batch.token_count());
    totals.labels += static_cast<double>(std::count_if(batch.labels.begin(), batch.labels.end(),
                                                       [](auto label) { return label >= 0; }));
  }
  return totals;
}

}  // namespace bertha
