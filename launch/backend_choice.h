// What parallel.backend comes to: NCCL or MPI for the gradients, and which choices cannot work.
#pragma once

#include <chrono>
#include <cstdint>

#include "trainer/trainer_config.h"

namespace bertha {

struct BackendFacts {
  bool on_gpu = false;  // where this rank computes
  int world_size = 1;
  bool nccl_built = false;  // see nccl_available()
};

// Whether gradients go over NCCL. Error{usage}: nccl asked for without NCCL or without a GPU; or
// several ranks on GPUs whose tensors would go over MPI, which moves host memory only.
bool chooses_nccl(Backend backend, const BackendFacts& facts);

// How long NCCL's calls may take: never shorter than connecting many ranks needs. Zero, from zero:
// as long as they like.
std::chrono::seconds nccl_timeout(std::int64_t timeout_seconds);

}  // namespace bertha
