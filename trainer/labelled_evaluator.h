// Predictions of a fine-tuning task on a list of examples, shared by the ranks.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

struct PredictionParts {
  Communicator& communicator;
  LabelledTask& task;
  Watchdog& watchdog;
  bool fixed_micro_batches = false;                // the same bits on any number of ranks
  std::function<void(std::size_t)> progress = {};  // told how many examples are done, of all ranks
};

// [rows, outputs] fp32 on the host of each example, in the order of `examples`, the same on every
// rank. Collective. Each rank computes its share in micro-batches of at most `micro_batch_tokens`.
Predictions predict_examples(const PredictionParts& parts,
                             const std::vector<EncodedExample>& examples,
                             std::int64_t micro_batch_tokens);

}  // namespace bertha
