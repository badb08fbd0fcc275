// Predictions and scores of a whole-text task on a list of examples, shared by the ranks.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "data_pipeline/labelled_data.h"
#include "parallel/communicator.h"
#include "parallel/watchdog.h"
#include "trainer/tasks/sequence_task.h"

namespace bertha {

struct PredictionParts {
  Communicator& communicator;
  SequenceTask& task;
  Watchdog& watchdog;
};

// [examples, outputs] fp32 on the host, in the order of `examples`, the same on every rank.
// Collective. Each rank computes its share in micro-batches of at most `micro_batch_tokens`.
at::Tensor predict_examples(const PredictionParts& parts,
                            const std::vector<EncodedExample>& examples,
                            std::int64_t micro_batch_tokens);

// "loss" first, then the scores of tasks/scores.h.
Scores score_predictions(const at::Tensor& predictions, const std::vector<EncodedExample>& examples,
                         bool regression);

}  // namespace bertha
