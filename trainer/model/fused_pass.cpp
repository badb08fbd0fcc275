// Buffers and dropout of a fused pass.
#include "trainer/model/fused_pass.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace bertha {
namespace {

// Queued, not waited for: from pinned memory, which lives on until the copy is done.
template <class V>
at::Tensor copy_to(const std::vector<V>& values, at::ScalarType type, at::Device device) {
  const auto options = at::TensorOptions(type).pinned_memory(device.is_cuda());
  const auto host = at::empty({static_cast<std::int64_t>(values.size())}, options);
  std::copy(values.begin(), values.end(), static_cast<V*>(host.data_ptr()));
  return host.to(device, /*non_blocking=*/true);
}

}  // namespace

at::Tensor ReusedTensor::sized(std::int64_t rows, std::int64_t columns,
                               const at::TensorOptions& options) {
  const std::int64_t count = rows * columns;
  if (!memory_.defined() || memory_.numel() < count || memory_.dtype() != options.dtype() ||
      memory_.device() != options.device()) {
    memory_ = at::Tensor();  // give back first, then take
    memory_ = at::empty({count}, options);
  }
  return memory_.narrow(0, 0, count).view({rows, columns});
}

FusedPass::FusedPass(const PackedInput& input, const ForwardContext& forward_context,
                     KernelDevice device)
    : offsets(input.sequence_offsets),
      samples(input.sample_numbers),
      tokens(input.tokens.contiguous()),
      segments(input.segments.contiguous()),
      positions(input.positions.contiguous()),
      longest(input.longest),
      context(forward_context) {
  if (device == KernelDevice::cpu) return;
  std::vector<std::int32_t> sequences(static_cast<std::size_t>(count()));
  for (std::size_t s = 0; s < samples.size(); ++s) {
    std::fill(sequences.begin() + offsets[s], sequences.begin() + offsets[s + 1],
              static_cast<std::int32_t>(s));
  }
  device_offsets = copy_to(offsets, at::kInt, tokens.device());
  device_samples = copy_to(samples, at::kLong, tokens.device());
  row_sequences = copy_to(sequences, at::kInt, tokens.device());
}

void FusedPass::leave_out_all_but(const RowSubset& subset) {
  needed = subset;
  needed_offsets = at::Tensor();
  if (!row_sequences.defined() || !needed.rows.defined()) return;
  needed.rows = rows_on(needed.rows, tokens.device());
  needed_offsets = copy_to(needed.offsets, at::kInt, tokens.device());
}

PackedRows FusedPass::rows() const {
  const auto sequences = static_cast<std::int64_t>(samples.size());
  if (!row_sequences.defined()) return {offsets.data(), samples.data(), sequences};
  return {elements<std::int32_t>(device_offsets),
          elements<std::uint64_t>(device_samples),
          sequences,
          elements<std::int32_t>(row_sequences),
          count(),
          longest};
}

PackedRows FusedPass::needed_rows() const {
  auto packed = rows();
  packed.numbers = elements<std::int64_t>(needed.rows);
  return packed;
}

FusedDropout FusedPass::dropout(std::uint32_t site, double rate) const {
  return {context.seed, context.step, site, context.training ? rate : 0.0};
}

KernelDevice kernel_device(const at::Tensor& values) {
  return values.is_cuda() ? KernelDevice::cuda : KernelDevice::cpu;
}

KernelPlace kernel_place(KernelDevice device, const at::Tensor& values) {
  KernelPlace place;
  place.device = device;
  if (device == KernelDevice::cuda) {
    const c10::impl::VirtualGuardImpl streams(values.device().type());
    place.stream = streams.getStreamNativeHandle(streams.getStream(values.device()));
  }
  return place;
}

KernelPlace kernel_place(KernelDevice device, const at::Tensor& values, const ScratchSize& size,
                         FusedScratch& scratch) {
  if (device == KernelDevice::cpu) return kernel_place(device, values);
  return kernel_place(device, values, kernel_scratch_floats(size.rows, size.columns, size.heads),
                      scratch);
}

KernelPlace kernel_place(KernelDevice device, const at::Tensor& values, std::int64_t floats,
                         FusedScratch& scratch) {
  auto place = kernel_place(device, values);
  const auto memory = scratch.sums.sized(1, floats, values.options().dtype(at::kFloat));
  place.scratch = elements<float>(memory);
  place.scratch_floats = floats;
  return place;
}

}  // namespace bertha
