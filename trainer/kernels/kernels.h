// Loops that ATen has no fused form of, over raw host pointers. Threads: OpenMP, results do not
// depend on their number.
#pragma once

#include <cstdint>

namespace bertha {

// How many threads the kernels use; 0, the beginning: as many as OpenMP would. For programs that
// give other libraries fewer.
void set_kernel_threads(int threads);
int kernel_threads();

// Where a kernel's data lies, and what it runs with. `twin` computes on the host with the work
// lists of the CUDA kernels (kernels/cuda/*_twin.h): slow, for tests on machines without a GPU.
enum class KernelDevice { cpu, cuda, twin };
struct KernelPlace {
  KernelDevice device = KernelDevice::cpu;
  void* stream = nullptr;    // cudaStream_t
  float* scratch = nullptr;  // not for the CPU: memory there for partial sums
  std::int64_t scratch_floats = 0;
};
bool cuda_kernels_built();  // this program has kernels for CUDA

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

struct Bf16 {
  std::uint16_t bits;
};

// Moments in bf16, in place of a job's fp32 ones. What an update gives is rounded up or down at
// random, up as often as it lies near: on average nothing is lost of changes too small for a bf16,
// which rounding to the nearest would lose every time. The random numbers depend on (seed, step,
// element of the flat space) only; cpu/rounded_moments.cpp defines them.
struct RoundedMoments {
  Bf16* first = nullptr;  // null: the job's fp32 moments
  Bf16* second = nullptr;
  std::uint64_t seed = 0;
  std::int64_t first_element = 0;  // number of element 0 in the flat space
};

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
  RoundedMoments rounded = {};
};
void adamw_update(const AdamWJob& job);

// Bounds of LAMB's trust ratio phi(norm of weights) / (norm of update), 0: none. Those of the norm
// are the paper's phi, those of the ratio what others clamp (DeepSpeed, timm).
struct TrustBounds {
  double norm_min = 0, norm_max = 0, ratio_min = 0, ratio_max = 0;
};

// LAMB (You et al. 2020) over one parameter, or this rank's part of it, in two passes: between them
// the sums of squares are added up over the ranks and become the trust ratio.
struct LambJob {
  float* weights;  // fp32 master, updated by the second pass
  const float* gradient;
  float* first_moment;  // updated by the first pass
  float* second_moment;
  std::int64_t count;
  double beta1, beta2, epsilon, weight_decay, gradient_scale;
  std::int64_t step;       // from 1, for bias correction
  TrustBounds trust = {};  // only looked at on CUDA
  // With rounded moments the first pass sums up the update before rounding.
  RoundedMoments rounded = {};
};
struct LambSums {
  double weights = 0, update = 0;  // sums of squares, the same for any number of threads
};
LambSums lamb_moments(const LambJob& job);
// weights -= rate * update, where `rate` is the learning rate times the trust ratio.
void lamb_weights(const LambJob& job, double rate);

// The same on CUDA, the whole flat space at once: jobs point to its first element and know no
// count. A chunk is part of one parameter; those of a parameter stand side by side in ascending
// order.
struct FlatChunk {
  std::int64_t begin;
  std::int32_t count, parameter;
  bool decays;  // else without weight decay, and for LAMB without a trust ratio
  double rate;  // times the learning rate; 0: stays as it is
};
struct FlatChunks {
  const FlatChunk* chunks;            // on the device
  const std::int32_t* first_of_each;  // [parameters + 1]: their first chunks
  std::int64_t count, parameters;
};
inline constexpr std::int32_t kFlatChunk = 2048;  // elements of one, at most
void adamw_update(const AdamWJob& job, const FlatChunks& chunks, const KernelPlace& place);
// sums [parameters], on the device.
void lamb_moments(const LambJob& job, const FlatChunks& chunks, LambSums* sums,
                  const KernelPlace& place);
// weights -= learning rate * rate * trust ratio, of those that decay, * update.
void lamb_weights(const LambJob& job, const FlatChunks& chunks, const LambSums* sums,
                  double learning_rate, const KernelPlace& place);

// Sum of squares in double, in fixed blocks: the same for any number of threads.
double sum_of_squares(const float* values, std::int64_t count);
// On CUDA: sets a number on the device.
void sum_of_squares(const float* values, std::int64_t count, double* sum, const KernelPlace& place);

}  // namespace bertha
