// The owned range cut into the pieces that CUDA's optimizer kernels take, kept on the device.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/kernels/kernels.h"
#include "trainer/optim/parameter_groups.h"

namespace bertha {

// Parameters are numbered as in `parts`; elements from the beginning of `owned`.
class DeviceChunks {
 public:
  DeviceChunks(const std::vector<ParameterPart>& parts, FlatRange owned, at::Device device);

  FlatChunks view() const;
  // On the current stream, with memory for the kernels' sums.
  KernelPlace place(KernelDevice device) const;
  // [parts, 2] double: LambSums of each.
  at::Tensor sums() const { return sums_; }

 private:
  std::int64_t count_ = 0, parts_ = 0;
  at::Tensor chunks_, first_of_each_, sums_, scratch_;
};

}  // namespace bertha
