// Loops that ATen has no fused form of, over raw host pointers. Threads: OpenMP, results do not
// depend on their number.
#pragma once

#include <cstdint>

namespace bertha {

// Dropout multipliers: 0 with probability `rate`, else 1 / (1 - rate). Element (row, column) of a
// sample depends on (seed, step, site, sample, row, column) only: not on packing, rank or threads.
struct DropoutMaskJob {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint32_t site = 0;    // which dropout in the model
  std::uint64_t sample = 0;  // Batch::sample_numbers
  double rate = 0.1;
};
// Fills out[row * stride + column] for row < rows, column < columns.
void dropout_mask(float* out, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                  const DropoutMaskJob& job);

// One AdamW update over `count` elements (Loshchilov & Hutter 2019, as torch.optim.AdamW computes
// it, element by element in fp32): gradients are multiplied by `gradient_scale` first.
struct AdamWJob {
  float* weights;  // fp32 master, updated
  const float* gradient;
  float* first_moment;
  float* second_moment;
  std::int64_t count;
  float learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  std::int64_t step;  // from 1, for bias correction
};
void adamw_update(const AdamWJob& job);

// Sum of squares in double, in fixed blocks: the same for any number of threads.
double sum_of_squares(const float* values, std::int64_t count);

}  // namespace bertha
