// Buffers by order: a run saves the same tensors every time.
#include "trainer/checkpoint/host_copy.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

namespace bertha {

at::Tensor HostCopy::keep(const at::Tensor& values) {
  if (used_ == buffers_.size()) buffers_.emplace_back();
  auto& buffer = buffers_[used_++];
  if (!buffer.defined() || buffer.sizes() != values.sizes() ||
      buffer.scalar_type() != values.scalar_type()) {
    buffer = at::empty(values.sizes(), at::TensorOptions()
                                           .dtype(values.scalar_type())
                                           .device(at::kCPU)
                                           .pinned_memory(values.is_cuda()));
  }
  buffer.copy_(values);
  return buffer;
}

CheckpointContents HostCopy::take(const CheckpointContents& contents) {
  const at::NoGradGuard no_gradient;
  used_ = 0;
  CheckpointContents copy{contents.state, {}, {}, contents.files};
  for (const auto& [name, tensor] : contents.weights) {
    copy.weights.push_back({name, keep(tensor.detach())});
  }
  for (const auto& slice : contents.moments) {
    copy.moments.push_back(slice);
    copy.moments.back().values = keep(slice.values.detach());
  }
  return copy;
}

}  // namespace bertha
