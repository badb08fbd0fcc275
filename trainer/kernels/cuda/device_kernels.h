// The kernels of fused_kernels.h and kernels.h as lists of work for warps, on the GPU or, for
// tests, on the host.
#pragma once

#include "trainer/kernels/fused_kernels.h"

namespace bertha {

struct OnCuda {};  // device_kernels.cu, flash.cu, product.cu: only where the build found nvcc
struct OnTwin {};  // host_twin.cpp

template <class Where, class T>
struct DeviceKernels {
  static void residual_norm_forward(const ResidualNormJob<T>& job, const KernelPlace& place);
  static void residual_norm_backward(const ResidualNormGradientJob<T>& job,
                                     const KernelPlace& place);
  static void activation_forward(const ActivationJob<T>& job, const KernelPlace& place);
  static void activation_backward(const ActivationGradientJob<T>& job, const KernelPlace& place);
  static void attention_forward(const AttentionJob<T>& job, const KernelPlace& place);
  static void attention_backward(const AttentionJob<T>& job, const KernelPlace& place);
  static void cross_entropy_forward(const CrossEntropyJob<T>& job, const KernelPlace& place);
  static void cross_entropy_backward(const CrossEntropyJob<T>& job, const KernelPlace& place);
  static void embedding_forward(const EmbeddingJob<T>& job, const KernelPlace& place);
  static void embedding_backward(const EmbeddingGradientJob<T>& job, const KernelPlace& place);
  static void copy_and_sum_columns(const ColumnSumJob<T>& job, const KernelPlace& place);
};

template <class Where>
struct DeviceFlashAttention {
  static void forward(const FlashAttentionJob& job, const KernelPlace& place);
  static void backward(const FlashAttentionJob& job, const KernelPlace& place);
};

template <class Where>
struct DeviceOptimizer {
  static void adamw_update(const AdamWJob& job, const FlatChunks& chunks, const KernelPlace& place);
  static void lamb_moments(const LambJob& job, const FlatChunks& chunks, LambSums* sums,
                           const KernelPlace& place);
  static void lamb_weights(const LambJob& job, const FlatChunks& chunks, const LambSums* sums,
                           double learning_rate, const KernelPlace& place);
  static void sum_of_squares(const float* values, std::int64_t count, double* sum,
                             const KernelPlace& place);
};

template <class Where>
struct DeviceProducts {
  static void multiply(const DeviceProductJob& job, const KernelPlace& place);
};
template <>
void DeviceProducts<OnCuda>::multiply(const DeviceProductJob& job, const KernelPlace& place);
template <>
void DeviceProducts<OnTwin>::multiply(const DeviceProductJob& job, const KernelPlace& place);

}  // namespace bertha
