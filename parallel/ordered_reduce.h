// Sums, maxima and minima of tensors that came from other ranks, always in the order given: so the
// bits depend neither on which rank adds, nor on how the tensor was cut.
#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include "parallel/communicator.h"

namespace bertha {

// Element by element, output = parts[0] (op) parts[1] (op) ..., on the host. All are contiguous, of
// the type and size of `output`, which may be one of them. bfloat16 is added up in float and
// rounded once, to nearest even; NaN stays NaN.
void reduce_in_order(std::span<const at::Tensor> parts, ReduceOp op, const at::Tensor& output);

}  // namespace bertha
