// Loops that ATen has no fused form of, over raw host pointers. Threads: OpenMP, results do not
// depend on their number.
#pragma once

#include <cstdint>

namespace bertha {

// How many threads the kernels use; 0, the beginning: as many as OpenMP would. For programs that
// give other libraries fewer.
void set_kernel_threads(int threads);
int kernel_threads();

// Dropout multipliers: 0 with probability `rate`, else 1 / (1 - rate). Element (row, column) of a
// sample depends on (seed, step, site, sample, row, column) only: not on packing, rank or threads.
struct DropoutMaskJob {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint32_t site = 0;    // which dropout in the model
  std::uint64_t sample = 0;  // Batch::sample_numbers
  double rate = 0.1;
  std::int64_t first_row = 0;  // number of row 0 of `out`, for a sample filled piece by piece
};
// Fills out[row * stride + column] for row < rows, column < columns.
void dropout_mask(float* out, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                  const DropoutMaskJob& job);

// One AdamW update over `count` elements (Loshchilov & Hutter 2019, as torch.optim.AdamW computes
// it, element by element in fp32): gradients are multiplied by `gradient_scale` first. The numbers
// are doubles because 1 - beta2 of a float is wrong in the fifth digit.
struct AdamWJob {
  float* weights;  // fp32 master, updated
  const float* gradient;
  float* first_moment;
  float* second_moment;
  std::int64_t count;
  double learning_rate, beta1, beta2, epsilon, weight_decay, gradient_scale;
  std::int64_t step;  // from 1, for bias correction
};
void adamw_update(const AdamWJob& job);

// LAMB (You et al. 2020) over one parameter, or this rank's part of it, in two passes: between them
// the sums of squares are added up over the ranks and become the trust ratio.
struct LambJob {
  float* weights;  // fp32 master, updated by the second pass
  const float* gradient;
  float* first_moment;  // updated by the first pass
  float* second_moment;
  std::int64_t count;
  double beta1, beta2, epsilon, weight_decay, gradient_scale;
  std::int64_t step;  // from 1, for bias correction
};
struct LambSums {
  double weights = 0, update = 0;  // sums of squares, the same for any number of threads
};
LambSums lamb_moments(const LambJob& job);
// weights -= rate * update, where `rate` is the learning rate times the trust ratio.
void lamb_weights(const LambJob& job, double rate);

// Sum of squares in double, in fixed blocks: the same for any number of threads.
double sum_of_squares(const float* values, std::int64_t count);

}  // namespace bertha
