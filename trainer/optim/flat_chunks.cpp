// Cuts parameters into chunks and copies the list to the device once.
#include "trainer/optim/flat_chunks.h"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "trainer/model/fused_pass.h"

namespace bertha {
namespace {

template <class V>
at::Tensor bytes_on(const std::vector<V>& values, at::Device device) {
  const auto bytes = static_cast<std::int64_t>(values.size() * sizeof(V));
  const auto host = at::empty({bytes}, at::TensorOptions(at::kByte));
  if (bytes > 0) std::memcpy(host.data_ptr(), values.data(), static_cast<std::size_t>(bytes));
  return host.to(device);
}

}  // namespace

DeviceChunks::DeviceChunks(const std::vector<ParameterPart>& parts, FlatRange owned,
                           at::Device device) {
  std::vector<FlatChunk> chunks;
  std::vector<std::int32_t> first_of_each;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    first_of_each.push_back(static_cast<std::int32_t>(chunks.size()));
    const auto begin = parts[p].range.begin - owned.begin, end = parts[p].range.end - owned.begin;
    for (std::int64_t at = begin; at < end; at += kFlatChunk) {
      chunks.push_back({at, static_cast<std::int32_t>(std::min<std::int64_t>(kFlatChunk, end - at)),
                        static_cast<std::int32_t>(p), parts[p].decays, parts[p].rate});
    }
  }
  first_of_each.push_back(static_cast<std::int32_t>(chunks.size()));
  count_ = static_cast<std::int64_t>(chunks.size());
  parts_ = static_cast<std::int64_t>(parts.size());
  chunks_ = bytes_on(chunks, device);
  first_of_each_ = bytes_on(first_of_each, device);
  const auto options = at::TensorOptions(at::kDouble).device(device);
  sums_ = at::zeros({parts_, 2}, options);
  scratch_ = at::empty({4 * count_}, options.dtype(at::kFloat));
}

FlatChunks DeviceChunks::view() const {
  return {elements<FlatChunk>(chunks_), elements<std::int32_t>(first_of_each_), count_, parts_};
}

KernelPlace DeviceChunks::place(KernelDevice device) const {
  auto place = kernel_place(device, scratch_);
  place.scratch = elements<float>(scratch_);
  place.scratch_floats = scratch_.numel();
  return place;
}

}  // namespace bertha
