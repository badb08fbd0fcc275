// How much memory a process may fill, the page cache included.
#pragma once

#include <cstdint>

namespace bertha {

// In bytes: what the machine has left, or the limit of this process' control group (a container's,
// or Slurm's) where that is less. Where nothing says: UINT64_MAX.
std::uint64_t available_memory();

}  // namespace bertha
