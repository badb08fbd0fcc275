// The squares of the gradient, for its norm. Every rank adds up those of one range, so that a rank
// that holds the sum of that range alone can do it, and the bits are the same whoever holds what.
#pragma once

#include <ATen/core/Tensor.h>

namespace bertha {

// [1] double on the gradient's device; there queued and not waited for.
at::Tensor square_sum(const at::Tensor& gradient);

}  // namespace bertha
