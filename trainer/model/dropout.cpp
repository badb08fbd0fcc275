// Masks are filled on the host, also for other devices (a CUDA twin of dropout_mask will replace
// that copy), and multiplied in fp32, so that 1 / (1 - rate) is not rounded to a short type.
#include "trainer/model/dropout.h"

#include <ATen/ATen.h>

#include "parallel/base/error.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

at::Tensor apply_mask(const at::Tensor& values, const at::Tensor& mask) {
  return (values * mask.to(values.device())).to(values.scalar_type());
}

}  // namespace

at::Tensor Dropout::hidden(const at::Tensor& values, std::uint32_t site, double rate) const {
  if (off(rate)) return values;
  const auto sequences = static_cast<std::int64_t>(input_.sample_numbers.size());
  const bool per_token = values.size(0) == input_.tokens.size(0);
  if (!per_token && values.size(0) != sequences) {
    throw Error(ErrorKind::internal, "dropout on rows that are neither tokens nor sequences");
  }
  const auto columns = values.size(1);
  auto mask = at::empty(values.sizes(), at::kFloat);
  DropoutMaskJob job{context_.seed, context_.step, site, 0, rate};
  for (std::size_t s = 0; s < input_.sample_numbers.size(); ++s) {
    const std::int64_t begin = per_token ? input_.sequence_offsets[s] : static_cast<int>(s);
    const std::int64_t end = per_token ? input_.sequence_offsets[s + 1] : begin + 1;
    job.sample = input_.sample_numbers[s];
    dropout_mask(mask.data_ptr<float>() + begin * columns, end - begin, columns, columns, job);
  }
  return apply_mask(values, mask);
}

at::Tensor Dropout::attention(const at::Tensor& probabilities, std::uint32_t site,
                              double rate) const {
  if (off(rate)) return probabilities;
  const auto heads = probabilities.size(1), longest = probabilities.size(2);
  // Zero where a shorter sequence ends: what stands there must be finite.
  auto mask = at::zeros(probabilities.sizes(), at::kFloat);
  auto* out = mask.data_ptr<float>();
  DropoutMaskJob job{context_.seed, context_.step, site, 0, rate};
  for (std::size_t s = 0; s < input_.sample_numbers.size(); ++s) {
    const std::int64_t length = input_.sequence_offsets[s + 1] - input_.sequence_offsets[s];
    job.sample = input_.sample_numbers[s];
    for (std::int64_t head = 0; head < heads; ++head, out += longest * longest) {
      job.first_row = head * length;
      dropout_mask(out, length, length, longest, job);
    }
  }
  return apply_mask(probabilities, mask);
}

}  // namespace bertha
