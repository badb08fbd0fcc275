// Starts a list of work on the GPU: a warp per item, on a stream, with shared memory for each warp.
#pragma once

#include <cuda_runtime.h>

#include "parallel/base/error.h"
#include "trainer/kernels/cuda/tiles.h"
#include "trainer/kernels/cuda/warp.h"

namespace bertha::twin {

inline constexpr int kWarpsPerBlock = 4;
inline constexpr std::int64_t kPlainSharedBytes = 48 * 1024;  // more must be asked for

// How many blocks a multiprocessor takes at once: three leave a thread 168 registers, six 80.
template <class Work>
constexpr int blocks_at_once() {
  if constexpr (requires { Work::kBlocksAtOnce; }) return Work::kBlocksAtOnce;
  return 3;
}

template <class Work>
__global__ void __launch_bounds__(kWarpsPerBlock* kLanes, blocks_at_once<Work>())
    work_list(const Work work, std::int64_t count, std::int64_t floats) {
  extern __shared__ float4 memory[];
  const int number = static_cast<int>(threadIdx.x) / kLanes;
  const int warps = static_cast<int>(blockDim.x) / kLanes;
  const DeviceWarp warp{static_cast<int>(threadIdx.x) % kLanes};
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * warps + number;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * warps;
  for (std::int64_t i = first; i < count; i += step) {
    work(i, warp, reinterpret_cast<float*>(memory) + number * floats);
  }
}

// The same for work that takes a block of eight warps and shared memory, on a border of eight
// rows, as wgmma wants them.
template <class Work>
constexpr int shared_bytes() {
  return static_cast<int>(Work::kSharedRows * kRowBytes + Work::kSharedFloats * sizeof(float));
}
template <class Work>
__global__ void __launch_bounds__(kBlockThreads, Work::kBlocksAtOnce) block_list(const Work work) {
  extern __shared__ __align__(1024) float4 tiles[];
  work(static_cast<std::int64_t>(blockIdx.x), DeviceBlock(), reinterpret_cast<Bf16*>(tiles));
}

inline void check(cudaError_t result) {
  if (result == cudaSuccess) return;
  throw Error(ErrorKind::internal, std::string("a CUDA kernel: ") + cudaGetErrorString(result));
}

struct DeviceRunner {
  cudaStream_t stream;

  template <class Work>
  void run(const Work& work, std::int64_t count, std::int64_t floats) const {
    if (count == 0) return;
    floats = round_up(floats, kOctet);
    const std::int64_t warp_bytes = floats * static_cast<std::int64_t>(sizeof(float));
    int warps = kWarpsPerBlock;
    while (warps > 1 && warps * warp_bytes > kPlainSharedBytes) warps /= 2;
    const std::int64_t bytes = warps * warp_bytes;
    if (bytes > kPlainSharedBytes) {
      check(cudaFuncSetAttribute(work_list<Work>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(bytes)));
    }
    const std::int64_t blocks = smaller((count + warps - 1) / warps, 1 << 20);
    work_list<Work><<<static_cast<unsigned>(blocks), static_cast<unsigned>(warps * kLanes),
                      static_cast<std::size_t>(bytes), stream>>>(work, count, floats);
    check(cudaGetLastError());
  }

  template <class Work>
  void run_blocks(const Work& work, std::int64_t count) const {
    if (count == 0) return;
    constexpr int bytes = shared_bytes<Work>();
    check(
        cudaFuncSetAttribute(block_list<Work>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
    block_list<Work><<<static_cast<unsigned>(count), kBlockThreads, bytes, stream>>>(work);
    check(cudaGetLastError());
  }
};

}  // namespace bertha::twin
