// A micro-batch on the model's device.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace bertha {

// T tokens of B sequences end to end.
struct PackedInput {
  at::Tensor tokens;                           // [T] int64
  at::Tensor segments;                         // [T] int64
  at::Tensor positions;                        // [T] int64
  at::Tensor sequence_starts;                  // [B] int64, on the host: index of each [CLS]
  std::vector<std::int32_t> sequence_offsets;  // [B + 1], on the host
  std::vector<std::uint64_t> sample_numbers;   // [B]
  std::int64_t longest = 0;                    // tokens of the longest sequence
};

// How a forward pass is made; dropout masks are a function of it (see kernels.h).
struct ForwardContext {
  bool training = false;  // dropout on
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
};

}  // namespace bertha
