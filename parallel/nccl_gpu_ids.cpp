// UUIDs from the CUDA runtime: indices and visible devices differ from rank to rank, and PCI
// addresses name no machine. Only in builds with NCCL.
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/gpu_ids.h"

namespace bertha {
namespace {

std::string gpu_id(int device) {
  cudaDeviceProp properties{};
  const auto result = cudaGetDeviceProperties(&properties, device);
  if (result != cudaSuccess) {
    throw Error(ErrorKind::internal,
                fmt::format("CUDA device {} does not tell what it is: {}", device,
                            cudaGetErrorString(result)),
                "see what nvidia-smi says of it, or use --train.device cpu");
  }
  std::string id;
  for (const char byte : properties.uuid.bytes) {
    id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return id;
}

}  // namespace

std::vector<std::string> visible_gpu_ids() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // no driver or no device: no error of the calls to come
    return {};
  }
  std::vector<std::string> ids;
  for (int device = 0; device < count; ++device) ids.push_back(gpu_id(device));
  return ids;
}

}  // namespace bertha
