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

bool check_parts(const at::Tensor& whole, const at::Tensor& part, const RankInfo& rank,
                 std::source_location where) {
  check_collective_tensor(whole, "whole", where);
  check_collective_tensor(part, "part", where);
  if (whole.scalar_type() != part.scalar_type() || whole.device() != part.device()) {
    throw Error(ErrorKind::internal, "collective: whole and part differ in type or device", {},
                where);
  }
  if (whole.numel() != part.numel() * rank.world_size) {
    throw Error(ErrorKind::internal,
                fmt::format("collective: whole has {} elements, part {}, for {} ranks",
                            whole.numel(), part.numel(), rank.world_size),
                {}, where);
  }
  const auto begin_of = [](const at::Tensor& t) { return static_cast<std::byte*>(t.data_ptr()); };
  const auto part_bytes = static_cast<std::ptrdiff_t>(part.nbytes());
  const std::less<> before;
  if (part.numel() == 0 || !before(begin_of(part), begin_of(whole) + whole.nbytes()) ||
      !before(begin_of(whole), begin_of(part) + part_bytes)) {
    return false;
  }
  if (begin_of(part) != begin_of(whole) + rank.rank * part_bytes) {
    throw Error(
        ErrorKind::internal,
        fmt::format("collective: part overlaps whole, but is not rank {}'s part of it", rank.rank),
        {}, where);
  }
  return true;
}

void check_root(int root, const RankInfo& rank, std::source_location where) {
  if (root >= 0 && root < rank.world_size) return;
  throw Error(ErrorKind::internal,
              fmt::format("collective: root {} of {} ranks", root, rank.world_size), {}, where);
}

}  // namespace bertha
