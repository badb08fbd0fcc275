// On the CPU at once, on a GPU by our kernel or by ATen.
#include "trainer/gradient_norm.h"

#include <ATen/ATen.h>

#include "trainer/kernels/kernels.h"
#include "trainer/model/fused_pass.h"

namespace bertha {

at::Tensor square_sum(const at::Tensor& gradient) {
  const auto options = gradient.options().dtype(at::kDouble);
  if (gradient.numel() == 0) return at::zeros({1}, options);
  if (gradient.is_cpu()) {
    return at::full({1}, sum_of_squares(gradient.data_ptr<float>(), gradient.numel()), options);
  }
  if (!cuda_kernels_built()) {
    return at::linalg_vector_norm(gradient, 2, {}, false, at::kDouble).square().reshape({1});
  }
  const auto scratch = at::empty({gradient.numel() / 1024 + 8}, options);
  auto place = kernel_place(KernelDevice::cuda, gradient);
  place.scratch = static_cast<float*>(scratch.data_ptr());
  place.scratch_floats = 2 * scratch.numel();
  const auto sum = at::empty({1}, options);
  sum_of_squares(gradient.data_ptr<float>(), gradient.numel(), sum.data_ptr<double>(), place);
  return sum;
}

}  // namespace bertha
