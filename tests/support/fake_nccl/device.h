// For tests over the stand-ins: tensors on the "device", and work for its current stream.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <ATen/ATen.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

// LibTorch's own, declared in none of its headers.
namespace c10::cuda::_internal {
void setHasPrimaryContext(bool (*has)(DeviceIndex));
}

namespace fake_nccl {
cudaStream_t last_stream();  // of the newest call of any communicator
}

namespace bertha::testing {

// Else LibTorch would ask the driver, for which there is no stand-in.
inline void use_stand_ins() {
  c10::cuda::_internal::setHasPrimaryContext([](c10::DeviceIndex) { return true; });
}

// Memory of the device is the host's; only the tensor says otherwise.
inline at::Tensor on_device(const at::Tensor& host) {
  return at::from_blob(
      host.data_ptr(), host.sizes(), [host](void*) {}, host.options().device(at::kCUDA, 0),
      at::Device(at::kCUDA, 0));
}

// Work that the current stream comes to later.
inline void later(std::function<void()> work) {
  cudaLaunchHostFunc(
      c10::cuda::getCurrentCUDAStream(),
      [](void* data) {
        const std::unique_ptr<std::function<void()>> function(
            static_cast<std::function<void()>*>(data));
        (*function)();
      },
      new std::function<void()>(std::move(work)));
}

inline int priority_of(cudaStream_t stream) {
  int priority = 0;
  cudaStreamGetPriority(stream, &priority);
  return priority;
}

inline void synchronize() {
  cudaStreamSynchronize(c10::cuda::getCurrentCUDAStream());
}

}  // namespace bertha::testing
