// A copy of a state in host memory, so that training can go on while it is written. The buffers are
// used again for the next one.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/checkpoint/checkpoint_store.h"

namespace bertha {

class HostCopy {
 public:
  // `contents` with weights and moments in buffers of this object, valid until the next call.
  // Blocks for as long as the copy takes; pinned memory where they come from a device.
  CheckpointContents take(const CheckpointContents& contents);

 private:
  at::Tensor keep(const at::Tensor& values);

  std::vector<at::Tensor> buffers_;  // in the order of the tensors
  std::size_t used_ = 0;
};

}  // namespace bertha
