// ATen's flash attention over packed sequences, for bf16 on CUDA and heads that our own kernels do
// not take. Its dropout draws other numbers than the CPU's: from a seed made of run, step, layer
// and first sample, so that a resumed run draws the same again.
#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "trainer/model/fused_pass.h"

namespace bertha {

// What backward needs. `output`: [T, hidden].
struct LibraryActivations {
  at::Tensor output, log_sum, random_state, unused;
};
struct LibraryDropout {
  FusedDropout dropout;
  std::uint64_t sample;  // the batch's first
};

bool takes_library_attention(KernelDevice device, at::ScalarType type, std::int64_t head_size);

// mixed: query, key and value with their biases, [T, 3 * hidden].
void library_attention_forward(const at::Tensor& mixed, std::int64_t heads, const FusedPass& pass,
                               const LibraryDropout& dropout, LibraryActivations& kept);
// Gradients of query, key and value, [T, hidden] each.
std::array<at::Tensor, 3> library_attention_backward(const at::Tensor& gradient,
                                                     const at::Tensor& mixed, std::int64_t heads,
                                                     const FusedPass& pass, double dropout_rate,
                                                     const LibraryActivations& kept);

}  // namespace bertha
