// Scores of a task over a whole split, the same on any number of ranks; to the
// bit, when the micro-batches are the same.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "data_pipeline/batch.h"
#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/tasks/task.h"

namespace bertha {

struct Evaluation {
  Scores scores;
  BatchTotals totals;
  double seconds = 0;
};

// `batches`: this rank's share. No dropout, no gradients. Collective. `progress` is told how many
// of them are done.
Evaluation evaluate(Communicator& communicator, Task& task, std::span<const Batch> batches,
                    Watchdog& watchdog, const std::function<void(std::size_t)>& progress = {});

}  // namespace bertha
