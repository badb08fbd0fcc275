// Communicator over NCCL for device tensors; host tensors and bytes go over the MPI communicator
// it was made from. Only in builds with NCCL.
#pragma once

#include <chrono>
#include <memory>

#include "parallel/communicator.h"

namespace bertha {

bool nccl_available();            // built with NCCL
std::string nccl_version_text();  // "2.28.9" or "none"

// The NCCL id travels over `host`, which must outlive the result. The current CUDA device is used.
// Error{communication} when not all ranks arrive within `timeout` (zero: waits for ever);
// Error{usage} without NCCL, or when the one that is loaded does not go with the one bertha was
// built with.
std::unique_ptr<Communicator> make_nccl_communicator(Communicator& host,
                                                     std::chrono::seconds timeout);

}  // namespace bertha
