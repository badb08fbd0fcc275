// The kernels of fused_kernels.h on the CPU.
#pragma once

#include "trainer/kernels/fused_kernels.h"

namespace bertha::on_cpu {

template <class T>
void residual_norm_forward(const ResidualNormJob<T>& job);
template <class T>
void residual_norm_backward(const ResidualNormGradientJob<T>& job);
template <class T>
void activation_forward(const ActivationJob<T>& job);
template <class T>
void activation_backward(const ActivationGradientJob<T>& job);
template <class T>
void attention_forward(const AttentionJob<T>& job);
template <class T>
void attention_backward(const AttentionJob<T>& job);
template <class T>
void cross_entropy_forward(const CrossEntropyJob<T>& job);
template <class T>
void cross_entropy_backward(const CrossEntropyJob<T>& job);
template <class T>
void embedding_forward(const EmbeddingJob<T>& job);
template <class T>
void embedding_backward(const EmbeddingGradientJob<T>& job);

}  // namespace bertha::on_cpu
