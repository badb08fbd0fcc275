// Definitions of device_kernels.h over the work lists of *_twin.h, for the files that know a
// Runner.
#pragma once

#include "trainer/kernels/cuda/attention_twin.h"
#include "trainer/kernels/cuda/columns_twin.h"
#include "trainer/kernels/cuda/cross_entropy_twin.h"
#include "trainer/kernels/cuda/device_kernels.h"
#include "trainer/kernels/cuda/embedding_twin.h"
#include "trainer/kernels/cuda/optimizer_twin.h"
#include "trainer/kernels/cuda/row_norm_twin.h"

namespace bertha {

// Specialised by the file that includes this: what runs the work of a place.
template <class Where>
struct RunnerOf;

template <class Where, class T>
void DeviceKernels<Where, T>::residual_norm_forward(const ResidualNormJob<T>& job,
                                                    const KernelPlace& place) {
  twin::residual_norm_forward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::residual_norm_backward(const ResidualNormGradientJob<T>& job,
                                                     const KernelPlace& place) {
  twin::residual_norm_backward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::activation_forward(const ActivationJob<T>& job,
                                                 const KernelPlace& place) {
  twin::activation_forward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::activation_backward(const ActivationGradientJob<T>& job,
                                                  const KernelPlace& place) {
  twin::activation_backward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::attention_forward(const AttentionJob<T>& job,
                                                const KernelPlace& place) {
  twin::attention_forward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::attention_backward(const AttentionJob<T>& job,
                                                 const KernelPlace& place) {
  twin::attention_backward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::cross_entropy_forward(const CrossEntropyJob<T>& job,
                                                    const KernelPlace& place) {
  twin::cross_entropy_forward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::cross_entropy_backward(const CrossEntropyJob<T>& job,
                                                     const KernelPlace& place) {
  twin::cross_entropy_backward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::embedding_forward(const EmbeddingJob<T>& job,
                                                const KernelPlace& place) {
  twin::embedding_forward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::embedding_backward(const EmbeddingGradientJob<T>& job,
                                                 const KernelPlace& place) {
  twin::embedding_backward(job, place, RunnerOf<Where>::make(place));
}
template <class Where, class T>
void DeviceKernels<Where, T>::copy_and_sum_columns(const ColumnSumJob<T>& job,
                                                   const KernelPlace& place) {
  twin::copy_and_sum_columns(job, place, RunnerOf<Where>::make(place));
}

template <class Where>
void DeviceOptimizer<Where>::adamw_update(const AdamWJob& job, const FlatChunks& chunks,
                                          const KernelPlace& place) {
  twin::adamw_update(job, chunks, RunnerOf<Where>::make(place));
}
template <class Where>
void DeviceOptimizer<Where>::lamb_moments(const LambJob& job, const FlatChunks& chunks,
                                          LambSums* sums, const KernelPlace& place) {
  twin::lamb_moments(job, chunks, sums, place, RunnerOf<Where>::make(place));
}
template <class Where>
void DeviceOptimizer<Where>::lamb_weights(const LambJob& job, const FlatChunks& chunks,
                                          const LambSums* sums, double learning_rate,
                                          const KernelPlace& place) {
  twin::lamb_weights(job, chunks, sums, learning_rate, RunnerOf<Where>::make(place));
}
template <class Where>
void DeviceOptimizer<Where>::sum_of_squares(const float* values, std::int64_t count, double* sum,
                                            const KernelPlace& place) {
  twin::sum_of_squares(values, count, sum, place, RunnerOf<Where>::make(place));
}

}  // namespace bertha
