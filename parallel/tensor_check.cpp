// Checks shared by all communicators.
#include "parallel/tensor_check.h"

#include <cstddef>
#include <functional>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

void check_collective_tensor(const at::Tensor& tensor, const char* name,
                             std::source_location where) {
  const auto fail = [&](const std::string& why) {
    throw Error(ErrorKind::internal, fmt::format("collective: {} {}", name, why), {}, where);
  };
  if (!tensor.defined()) fail("is undefined");
  if (!tensor.is_contiguous()) fail("is not contiguous");
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kBFloat16:
    case at::kInt:
    case at::kLong:
      return;
    default:
      fail(fmt::format("has the type {}", c10::toString(tensor.scalar_type())));
  }
}

namespace {

bool overlap(const at::Tensor& a, const at::Tensor& b) {
  const auto begin_of = [](const at::Tensor& t) { return static_cast<std::byte*>(t.data_ptr()); };
  const std::less<> before;
  return a.numel() > 0 && b.numel() > 0 && before(begin_of(a), begin_of(b) + b.nbytes()) &&
         before(begin_of(b), begin_of(a) + a.nbytes());
}

void check_same_kind(const at::Tensor& a, const at::Tensor& b, std::source_location where) {
  if (a.scalar_type() == b.scalar_type() && a.device() == b.device()) return;
  throw Error(ErrorKind::internal, "collective: its tensors differ in type or device", {}, where);
}

}  // namespace

std::int64_t check_exchange(const at::Tensor& input, const at::Tensor& output, const RankInfo& rank,
                            std::source_location where) {
  check_collective_tensor(input, "input", where);
  check_collective_tensor(output, "output", where);
  check_same_kind(input, output, where);
  if (input.numel() != output.numel() || input.numel() % rank.world_size != 0) {
    throw Error(ErrorKind::internal,
                fmt::format("collective: input has {} elements, output {}, for {} ranks",
                            input.numel(), output.numel(), rank.world_size),
                {}, where);
  }
  if (overlap(input, output)) {
    throw Error(ErrorKind::internal, "collective: input overlaps output", {}, where);
  }
  return input.numel() / rank.world_size;
}

void check_cut(const at::Tensor& values, std::span<const std::int64_t> parts, const RankInfo& rank,
               std::source_location where) {
  check_collective_tensor(values, "values", where);
  std::int64_t elements = 0;
  bool sound = parts.size() == static_cast<std::size_t>(rank.world_size);
  for (const auto size : parts) sound = sound && size >= 0, elements += size;
  if (sound && elements == values.numel()) return;
  throw Error(ErrorKind::internal,
              fmt::format("collective: {} parts of together {} elements, values have {}, for {} "
                          "ranks",
                          parts.size(), elements, values.numel(), rank.world_size),
              {}, where);
}

void check_root(int root, const RankInfo& rank, std::source_location where) {
  if (root >= 0 && root < rank.world_size) return;
  throw Error(ErrorKind::internal,
              fmt::format("collective: root {} of {} ranks", root, rank.world_size), {}, where);
}

}  // namespace bertha
