// Made-up inputs of the fused kernels in tensors of a device, for comparing devices.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "trainer/kernels/fused_kernels.h"

namespace bertha {

// The CPU's kernels, or those of another device with memory for their partial sums.
struct TestPlace {
  explicit TestPlace(KernelDevice kind) : device(kind) {
    scratch = at::full({kind == KernelDevice::cpu ? 0 : 4 << 20}, 1e30, options(at::kFloat));
  }
  at::TensorOptions options(at::ScalarType type) const {
    return at::TensorOptions(type).device(device == KernelDevice::cuda ? at::kCUDA : at::kCPU);
  }
  KernelPlace place() const {
    return {device, nullptr, static_cast<float*>(scratch.data_ptr()), scratch.numel()};
  }
  // Waves of many heights, the same on every device.
  at::Tensor values(std::int64_t rows, std::int64_t columns, double phase,
                    at::ScalarType type = at::kFloat) const {
    const auto index = at::arange(rows * columns, at::TensorOptions(at::kDouble));
    return at::sin(index * 1.7 + phase).view({rows, columns}).to(type).to(options(type));
  }
  template <class V>
  at::Tensor list(const std::vector<V>& numbers) const {
    const auto type = c10::CppTypeToScalarType<V>::value;
    return at::tensor(numbers, at::TensorOptions(type)).to(options(type));
  }

  KernelDevice device;
  at::Tensor scratch;
};

template <class T>
T* pointer(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}
template <class T>
constexpr at::ScalarType kTypeOf = at::kFloat;
template <>
inline constexpr at::ScalarType kTypeOf<Bf16> = at::kBFloat16;

// Sequences of given lengths.
struct TestRows {
  TestRows(const TestPlace& place, const std::vector<std::int32_t>& lengths) {
    std::vector<std::int32_t> starts{0}, sequences;
    std::vector<std::int64_t> numbers;
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      starts.push_back(starts.back() + lengths[s]);
      numbers.push_back(static_cast<std::int64_t>((s << 33) + 5 * s + 1));
      sequences.insert(sequences.end(), static_cast<std::size_t>(lengths[s]),
                       static_cast<std::int32_t>(s));
      longest = std::max<std::int64_t>(longest, lengths[s]);
    }
    count = starts.back();
    offsets = place.list(starts);
    samples = place.list(numbers);
    row_sequences = place.list(sequences);
  }
  PackedRows rows() const {
    return {pointer<std::int32_t>(offsets),
            pointer<std::uint64_t>(samples),
            samples.numel(),
            pointer<std::int32_t>(row_sequences),
            count,
            longest};
  }

  at::Tensor offsets, samples, row_sequences;
  std::int64_t count = 0, longest = 0;
};

// Results that may differ by roundings: a few of fp32, one of bf16.
inline void expect_close(const at::Tensor& ours, const at::Tensor& theirs, const char* what,
                         double tolerance = 2e-5) {
  if (!theirs.defined()) return;
  const auto a = ours.cpu().to(at::kDouble), b = theirs.cpu().to(at::kDouble);
  const bool is_short = theirs.scalar_type() == at::kBFloat16;
  const auto bound = (b.abs() + 1) * (is_short ? 0x1p-7 : tolerance);
  const auto wrong = ((a - b).abs() > bound).logical_or(a.isnan());
  EXPECT_EQ(wrong.sum().item<std::int64_t>(), 0)
      << what << ": largest difference " << (a - b).abs().max().item<double>();
}

// Of sums whose terms cancel: what rounding does is in proportion to the terms, so to the largest.
inline void expect_close_to_largest(const at::Tensor& ours, const at::Tensor& theirs,
                                    const char* what, double tolerance) {
  const auto a = ours.cpu().to(at::kDouble), b = theirs.cpu().to(at::kDouble);
  EXPECT_LE((a - b).abs().max().item<double>(), tolerance * b.abs().max().item<double>()) << what;
}

inline bool cuda_here() {
  return cuda_kernels_built() && at::globalContext().hasCUDA() &&
         at::detail::getCUDAHooks().hasCUDA();
}

}  // namespace bertha
