// What the ranks tell each other about a step: before it the size of the global batch, after it
// what came out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "parallel/communicator.h"
#include "trainer/tasks/task.h"

namespace bertha {

struct GlobalBatch {
  BatchTotals totals;
  std::vector<std::int64_t> micro_batches_by_rank;
};

// Which step a rank is at, and how it cuts the gradient: the same everywhere, or the ranks would
// wait for each other in different places.
struct StepIdentity {
  std::int64_t step = 0;                      // finished ones
  std::span<const std::int64_t> bucket_ends;  // in the order of the buckets
};

// This rank's part of the global batch.
struct LocalBatch {
  BatchTotals counts;
  std::size_t micro_batches = 0;
};

// Collective. Error{communication} names two ranks that are at different places of the program, in
// different steps, or whose buckets differ, with what either has.
GlobalBatch agree_on_batch(Communicator& communicator, const LocalBatch& local,
                           const StepIdentity& identity);

struct StepOutcome {
  std::vector<double> sums;  // one row after the other; agreed: one row, over those of all ranks
  double flops = 0;
  bool stop_wanted = false;          // by any rank
  double gradient_squares = 0;       // of this rank's range; agreed: of all, in the order of ranks
  std::vector<double> work_seconds;  // by rank
  int broken_rank = -1;              // the first whose own sums are not finite
};

// This rank's part: `sums` holds any number of rows of `width`. Collective; errors as above.
StepOutcome agree_on_outcome(Communicator& communicator, const StepOutcome& mine, std::int64_t step,
                             std::size_t width);

}  // namespace bertha
