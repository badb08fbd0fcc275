// The kernels on the GPU.
#include "trainer/kernels/cuda/device_kernels_definitions.h"
#include "trainer/kernels/cuda/launch.h"

namespace bertha {

template <>
struct RunnerOf<OnCuda> {
  static twin::DeviceRunner make(const KernelPlace& place) {
    return {static_cast<cudaStream_t>(place.stream)};
  }
};

template struct DeviceKernels<OnCuda, float>;
template struct DeviceKernels<OnCuda, Bf16>;
template struct DeviceOptimizer<OnCuda>;

}  // namespace bertha
