// What one pass through the fused path computes with: its dropout, kept activations, and buffers
// that live from step to step.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/kernels/fused_kernels.h"
#include "trainer/model/head_rows.h"
#include "trainer/model/packed_input.h"

namespace bertha {

// The kernels' view of a tensor's elements.
template <class T>
T* elements(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

// Memory that grows to the largest size asked for and stays: a fresh large tensor costs more in
// page faults than the work on it.
class ReusedTensor {
 public:
  // [rows, columns], contents left over from the last use.
  at::Tensor sized(std::int64_t rows, std::int64_t columns, const at::TensorOptions& options);

 private:
  at::Tensor memory_;
};

// A batch as kernels want it, and how this pass drops out. Copies: backward comes later.
struct FusedPass {
  FusedPass() = default;
  FusedPass(const PackedInput& input, const ForwardContext& forward_context, KernelDevice device);

  std::int64_t count() const { return offsets.back(); }  // tokens
  std::int64_t needed_count() const {
    return needed.rows.defined() ? needed.rows.size(0) : count();
  }
  void leave_out_all_but(const RowSubset& subset);
  PackedRows rows() const;
  PackedRows needed_rows() const;  // where not all are
  FusedDropout dropout(std::uint32_t site, double rate) const;

  std::vector<std::int32_t> offsets;
  std::vector<std::uint64_t> samples;
  at::Tensor tokens, segments, positions;  // [T] int64
  std::int64_t longest = 0;                // tokens of the longest sequence
  // Not for the CPU: offsets, samples and each row's sequence where the kernels compute.
  at::Tensor device_offsets, device_samples, row_sequences;
  ForwardContext context;
  RowSubset needed;           // of the last layer's output, rows where the kernels compute
  at::Tensor needed_offsets;  // there; not for the CPU
};

// A gradient that is the sum of two tensors; the second may be undefined.
struct SplitGradient {
  at::Tensor first, second;
};

// Buffers no pass keeps.
struct FusedScratch {
  ReusedTensor wide;                     // [T, intermediate]
  ReusedTensor sum, values, more;        // [T, hidden]
  ReusedTensor weight;                   // a weight's gradient in a short type
  ReusedTensor outputs[2];               // [T, hidden] of layers whose activations are not kept
  ReusedTensor masked_sum, masked_more;  // [M, hidden]
  ReusedTensor mixed;                    // [T, 3 * hidden]: its gradient, not on the CPU
  ReusedTensor query;                    // [S, hidden]: the queries' gradient, where those are few
  ReusedTensor products;                 // [heads, T] fp32 of attention's backward pass
  ReusedTensor needed_sum;               // [S, hidden] of a layer that computes S rows alone
  ReusedTensor sums;                     // KernelPlace::scratch
};

// Which kernels compute with these values.
KernelDevice kernel_device(const at::Tensor& values);
// Where they do: on the current stream of the values' device.
KernelPlace kernel_place(KernelDevice device, const at::Tensor& values);
// With memory for sums over `rows` of `columns`.
struct ScratchSize {
  std::int64_t rows, columns, heads = 0;
};
KernelPlace kernel_place(KernelDevice device, const at::Tensor& values, const ScratchSize& size,
                         FusedScratch& scratch);
// With so much memory.
KernelPlace kernel_place(KernelDevice device, const at::Tensor& values, std::int64_t scratch_floats,
                         FusedScratch& scratch);

}  // namespace bertha
