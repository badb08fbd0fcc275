// Packed batches of encoded examples, shared by the ranks.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/batch.h"
#include "data_pipeline/labelled/encoded_example.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// One epoch of steps. Shuffled by (seed, epoch), or in order when `shuffle` is false; every step's
// `batch_size` examples are shared by the ranks and packed under the token budget.
struct LabelledBatchOptions {
  std::int64_t batch_size = 32;
  std::int64_t micro_batch_tokens = 8192;
  std::uint64_t seed = 1;
  std::uint32_t epoch = 0;
  bool shuffle = true;
  bool fixed_micro_batches = false;  // as in BatchOptions
};
std::uint64_t steps_in_epoch(std::uint64_t examples, std::int64_t batch_size);
std::vector<Batch> labelled_step(const std::vector<EncodedExample>& examples,
                                 const LabelledBatchOptions& options, const RankInfo& rank,
                                 std::uint64_t step);

}  // namespace bertha
