// Buffers and dropout of a fused pass.
#include "trainer/model/fused_pass.h"

#include <ATen/ATen.h>

namespace bertha {

at::Tensor ReusedTensor::sized(std::int64_t rows, std::int64_t columns, at::ScalarType type) {
  const std::int64_t count = rows * columns;
  if (!memory_.defined() || memory_.numel() < count || memory_.scalar_type() != type) {
    memory_ = at::Tensor();  // give back first, then take
    memory_ = at::empty({count}, at::TensorOptions().dtype(type));
  }
  return memory_.narrow(0, 0, count).view({rows, columns});
}

FusedPass::FusedPass(const PackedInput& input, const ForwardContext& forward_context)
    : offsets(input.sequence_offsets),
      samples(input.sample_numbers),
      tokens(input.tokens.contiguous()),
      segments(input.segments.contiguous()),
      positions(input.positions.contiguous()),
      context(forward_context) {}

PackedRows FusedPass::rows() const {
  return {offsets.data(), samples.data(), static_cast<std::int64_t>(samples.size())};
}

FusedDropout FusedPass::dropout(std::uint32_t site, double rate) const {
  return {context.seed, context.step, site, context.training ? rate : 0.0};
}

}  // namespace bertha
