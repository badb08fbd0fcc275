// Sends each job to the kernels of the place where its data lies: the one switch between devices.
// Scopes name the CPU's kernels for LibTorch's profiler; they cost nothing without it.
#include <ATen/record_function.h>

#include "parallel/base/error.h"
#include "trainer/kernels/cpu/fused_cpu.h"
#include "trainer/kernels/cuda/device_kernels.h"
#include "trainer/kernels/fused_kernels.h"

namespace bertha {
namespace {

#ifdef BERTHA_HAVE_CUDA_KERNELS
constexpr bool kBuilt = true;
#else
constexpr bool kBuilt = false;
#endif

// Calls call(OnCuda) or call(OnTwin).
template <class Call>
void on_device(const KernelPlace& place, Call call) {
  if (place.device == KernelDevice::twin) return call(OnTwin());
  if constexpr (kBuilt) {
    if (place.device == KernelDevice::cuda) return call(OnCuda());
  }
  throw Error(ErrorKind::internal, "a kernel for a device that this program has none for");
}

}  // namespace

bool cuda_kernels_built() {
  return kBuilt;
}

template <class T>
void residual_norm_forward(const ResidualNormJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("residual_norm_forward");
  if (place.device == KernelDevice::cpu) return on_cpu::residual_norm_forward(job);
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::residual_norm_forward(job, place);
  });
}
template <class T>
void residual_norm_backward(const ResidualNormGradientJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("residual_norm_backward");
  if (place.device == KernelDevice::cpu) return on_cpu::residual_norm_backward(job);
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::residual_norm_backward(job, place);
  });
}
template <class T>
void activation_forward(const ActivationJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("activation_forward");
  if (place.device == KernelDevice::cpu) return on_cpu::activation_forward(job);
  on_device(place,
            [&](auto where) { DeviceKernels<decltype(where), T>::activation_forward(job, place); });
}
template <class T>
void activation_backward(const ActivationGradientJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("activation_backward");
  if (place.device == KernelDevice::cpu) return on_cpu::activation_backward(job);
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::activation_backward(job, place);
  });
}
template <class T>
void attention_forward(const AttentionJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("attention_forward");
  if (place.device == KernelDevice::cpu) return on_cpu::attention_forward(job);
  on_device(place,
            [&](auto where) { DeviceKernels<decltype(where), T>::attention_forward(job, place); });
}
template <class T>
void attention_backward(const AttentionJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("attention_backward");
  if (place.device == KernelDevice::cpu) return on_cpu::attention_backward(job);
  on_device(place,
            [&](auto where) { DeviceKernels<decltype(where), T>::attention_backward(job, place); });
}
void flash_attention_forward(const FlashAttentionJob& job, const KernelPlace& place) {
  on_device(place, [&](auto where) { DeviceFlashAttention<decltype(where)>::forward(job, place); });
}
void flash_attention_backward(const FlashAttentionJob& job, const KernelPlace& place) {
  on_device(place,
            [&](auto where) { DeviceFlashAttention<decltype(where)>::backward(job, place); });
}
template <class T>
void cross_entropy_forward(const CrossEntropyJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("cross_entropy_forward");
  if (place.device == KernelDevice::cpu) return on_cpu::cross_entropy_forward(job);
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::cross_entropy_forward(job, place);
  });
}
template <class T>
void cross_entropy_backward(const CrossEntropyJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("cross_entropy_backward");
  if (place.device == KernelDevice::cpu) return on_cpu::cross_entropy_backward(job);
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::cross_entropy_backward(job, place);
  });
}
template <class T>
void embedding_forward(const EmbeddingJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("embedding_forward");
  if (place.device == KernelDevice::cpu) return on_cpu::embedding_forward(job);
  on_device(place,
            [&](auto where) { DeviceKernels<decltype(where), T>::embedding_forward(job, place); });
}
template <class T>
void embedding_backward(const EmbeddingGradientJob<T>& job, const KernelPlace& place) {
  RECORD_USER_SCOPE("embedding_backward");
  if (place.device == KernelDevice::cpu) return on_cpu::embedding_backward(job);
  on_device(place,
            [&](auto where) { DeviceKernels<decltype(where), T>::embedding_backward(job, place); });
}
template <class T>
void copy_and_sum_columns(const ColumnSumJob<T>& job, const KernelPlace& place) {
  on_device(place, [&](auto where) {
    DeviceKernels<decltype(where), T>::copy_and_sum_columns(job, place);
  });
}

void adamw_update(const AdamWJob& job, const FlatChunks& chunks, const KernelPlace& place) {
  on_device(place, [&](auto where) {
    DeviceOptimizer<decltype(where)>::adamw_update(job, chunks, place);
  });
}
void lamb_moments(const LambJob& job, const FlatChunks& chunks, LambSums* sums,
                  const KernelPlace& place) {
  on_device(place, [&](auto where) {
    DeviceOptimizer<decltype(where)>::lamb_moments(job, chunks, sums, place);
  });
}
void lamb_weights(const LambJob& job, const FlatChunks& chunks, const LambSums* sums,
                  double learning_rate, const KernelPlace& place) {
  on_device(place, [&](auto where) {
    DeviceOptimizer<decltype(where)>::lamb_weights(job, chunks, sums, learning_rate, place);
  });
}
void sum_of_squares(const float* values, std::int64_t count, double* sum,
                    const KernelPlace& place) {
  on_device(place, [&](auto where) {
    DeviceOptimizer<decltype(where)>::sum_of_squares(values, count, sum, place);
  });
}
void multiply_on_device(const DeviceProductJob& job, const KernelPlace& place) {
  on_device(place, [&](auto where) { DeviceProducts<decltype(where)>::multiply(job, place); });
}

template void residual_norm_forward(const ResidualNormJob<float>&, const KernelPlace&);
template void residual_norm_forward(const ResidualNormJob<Bf16>&, const KernelPlace&);
template void residual_norm_backward(const ResidualNormGradientJob<float>&, const KernelPlace&);
template void residual_norm_backward(const ResidualNormGradientJob<Bf16>&, const KernelPlace&);
template void activation_forward(const ActivationJob<float>&, const KernelPlace&);
template void activation_forward(const ActivationJob<Bf16>&, const KernelPlace&);
template void activation_backward(const ActivationGradientJob<float>&, const KernelPlace&);
template void activation_backward(const ActivationGradientJob<Bf16>&, const KernelPlace&);
template void attention_forward(const AttentionJob<float>&, const KernelPlace&);
template void attention_forward(const AttentionJob<Bf16>&, const KernelPlace&);
template void attention_backward(const AttentionJob<float>&, const KernelPlace&);
template void attention_backward(const AttentionJob<Bf16>&, const KernelPlace&);
template void cross_entropy_forward(const CrossEntropyJob<float>&, const KernelPlace&);
template void cross_entropy_forward(const CrossEntropyJob<Bf16>&, const KernelPlace&);
template void cross_entropy_backward(const CrossEntropyJob<float>&, const KernelPlace&);
template void cross_entropy_backward(const CrossEntropyJob<Bf16>&, const KernelPlace&);
template void embedding_forward(const EmbeddingJob<float>&, const KernelPlace&);
template void embedding_forward(const EmbeddingJob<Bf16>&, const KernelPlace&);
template void embedding_backward(const EmbeddingGradientJob<float>&, const KernelPlace&);
template void embedding_backward(const EmbeddingGradientJob<Bf16>&, const KernelPlace&);
template void copy_and_sum_columns(const ColumnSumJob<float>&, const KernelPlace&);
template void copy_and_sum_columns(const ColumnSumJob<Bf16>&, const KernelPlace&);

}  // namespace bertha
