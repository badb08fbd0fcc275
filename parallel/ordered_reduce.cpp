// Blocks small enough for the first cache; the loops vectorise.
#include "parallel/ordered_reduce.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <c10/util/BFloat16.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::int64_t kBlock = 1024;

struct Sum {
  template <class V>
  static V of(V a, V b) {
    return a + b;
  }
};
struct Max {
  template <class V>
  static V of(V a, V b) {
    return a > b || a != a ? a : b;
  }
};
struct Min {
  template <class V>
  static V of(V a, V b) {
    return a < b || a != a ? a : b;
  }
};

template <class Value, class Op>
void reduce_values(const std::vector<const Value*>& parts, std::int64_t count, Value* output) {
  using Exact = std::conditional_t<std::is_same_v<Value, c10::BFloat16>, float, Value>;
  Exact total[kBlock];
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const auto size = std::min(kBlock, count - begin);
    const Value* first = parts.front() + begin;
    for (std::int64_t i = 0; i < size; ++i) total[i] = static_cast<Exact>(first[i]);
    for (std::size_t part = 1; part < parts.size(); ++part) {
      const Value* next = parts[part] + begin;
      for (std::int64_t i = 0; i < size; ++i) {
        total[i] = Op::of(total[i], static_cast<Exact>(next[i]));
      }
    }
    for (std::int64_t i = 0; i < size; ++i) output[begin + i] = static_cast<Value>(total[i]);
  }
}

template <class Value>
void reduce_as(std::span<const at::Tensor> parts, ReduceOp op, const at::Tensor& output) {
  std::vector<const Value*> from;
  for (const auto& part : parts) from.push_back(part.const_data_ptr<Value>());
  auto* to = output.mutable_data_ptr<Value>();
  switch (op) {
    case ReduceOp::sum:
      return reduce_values<Value, Sum>(from, output.numel(), to);
    case ReduceOp::max:
      return reduce_values<Value, Max>(from, output.numel(), to);
    case ReduceOp::min:
      return reduce_values<Value, Min>(from, output.numel(), to);
  }
}

}  // namespace

void reduce_in_order(std::span<const at::Tensor> parts, ReduceOp op, const at::Tensor& output) {
  switch (output.scalar_type()) {
    case at::kFloat:
      return reduce_as<float>(parts, op, output);
    case at::kDouble:
      return reduce_as<double>(parts, op, output);
    case at::kBFloat16:
      return reduce_as<c10::BFloat16>(parts, op, output);
    case at::kInt:
      return reduce_as<std::int32_t>(parts, op, output);
    case at::kLong:
      return reduce_as<std::int64_t>(parts, op, output);
    default:
      throw Error(ErrorKind::internal, "collective: no reduction for this type of tensor");
  }
}

}  // namespace bertha
