// Losses of fine-tuning on packed outputs. Pure, on any device.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace bertha {

enum class LossKind {
  cross_entropy,         // of each row that has a class
  mean_squared_error,    // of each row's one output
  binary_cross_entropy,  // of each row's every output against 0 or 1
  span                   // cross entropy of a start and an end among the rows of each sequence
};

// What is to be learnt from a batch, packed as data_pipeline/batch.h says.
struct LossTargets {
  const std::vector<std::int32_t>& labels;
  const std::vector<float>& values;
  const std::vector<std::int32_t>& sequence_offsets;  // [B + 1], cumulative rows
  at::Tensor class_weights = {};  // [n]: of cross entropy; of the positives of binary cross
                                  // entropy. Undefined: all 1
};

// Summed over what was learnt: the mean is what Transformers computes for a batch.
struct LossSum {
  at::Tensor loss;     // scalar with its graph
  at::Tensor correct;  // how many were predicted right; undefined for mean squared error
};

// outputs [rows, n] fp32. Error{internal}: targets that do not fit them.
LossSum labelled_loss(LossKind kind, const at::Tensor& outputs, const LossTargets& targets);

// What the sum counted, of a batch or of the whole global batch: what a mean divides it by.
double loss_terms(LossKind kind, double labels, double sequences, double outputs);

}  // namespace bertha
