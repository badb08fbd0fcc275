// Counts of batches.
#include "trainer/tasks/task.h"

namespace bertha {

BatchTotals count_batches(std::span<const Batch> batches) {
  BatchTotals totals;
  for (const auto& batch : batches) {
    totals.predictions += static_cast<double>(batch.masked_positions.size());
    totals.sequences += static_cast<double>(batch.sequence_count());
    totals.tokens += static_cast<double>(batch.token_count());
  }
  return totals;
}

}  // namespace bertha
