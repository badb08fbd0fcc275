// Names of the GPUs that this process sees.
#pragma once

#include <string>
#include <vector>

namespace bertha {

// In CUDA's order; a GPU has the same name in every process of the job. Empty without a device, and
// in builds without NCCL.
std::vector<std::string> visible_gpu_ids();

}  // namespace bertha
