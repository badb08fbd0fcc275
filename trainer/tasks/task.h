// What is learnt from a batch: the model with its head, its loss, and what is counted on the way.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "data_pipeline/batch.h"
#include "trainer/model/packed_input.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

// Counts over the global batch, all ranks: what losses are divided by.
struct BatchTotals {
  double predictions = 0;  // masked positions
  double sequences = 0;
  double tokens = 0;
  double labels = 0;  // of fine-tuning, without those that are not to be learnt
};
BatchTotals count_batches(std::span<const Batch> batches);

struct TaskOutput {
  // Scalar with its graph: this micro-batch's part of the global batch's mean loss, so that
  // gradients of all micro-batches of all ranks simply add up. Undefined: nothing to learn.
  at::Tensor loss;
  // [k] float64 on the model's device: sums over this micro-batch, read by scores().
  at::Tensor sums;
};

using Scores = std::vector<std::pair<std::string, double>>;  // "mlm_loss", 6.2 ...

class Task {
 public:
  virtual ~Task() = default;
  virtual ParameterSpace& parameters() = 0;
  virtual TaskOutput forward(const Batch& batch, const BatchTotals& totals,
                             const ForwardContext& context) = 0;
  // What this task divides by; weights of labels may count instead of labels.
  virtual BatchTotals count(std::span<const Batch> batches) const { return count_batches(batches); }
  virtual std::int64_t sum_count() const = 0;
  // Means out of sums over any number of micro-batches and ranks; "loss" comes first.
  virtual Scores scores(std::span<const double> sums) const = 0;
  // FLOPs of training on this batch, forward and backward.
  virtual double training_flops(const Batch& batch) const = 0;
};

}  // namespace bertha
