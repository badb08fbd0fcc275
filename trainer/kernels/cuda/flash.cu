// Attention by tensor cores on the GPU.
#include "trainer/kernels/cuda/device_kernels.h"
#include "trainer/kernels/cuda/flash_gradient_twin.h"
#include "trainer/kernels/cuda/flash_twin.h"
#include "trainer/kernels/cuda/launch.h"

namespace bertha {

template <>
void DeviceFlashAttention<OnCuda>::forward(const FlashAttentionJob& job, const KernelPlace& place) {
  twin::flash_attention_forward(job, place,
                                twin::DeviceRunner{static_cast<cudaStream_t>(place.stream)});
}
template <>
void DeviceFlashAttention<OnCuda>::backward(const FlashAttentionJob& job,
                                            const KernelPlace& place) {
  twin::flash_attention_backward(job, place,
                                 twin::DeviceRunner{static_cast<cudaStream_t>(place.stream)});
}

}  // namespace bertha
