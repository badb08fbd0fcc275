// Marks rows in a list of all rows: heads may read a row twice, and in any order.
#include "trainer/model/head_rows.h"

#include <algorithm>
#include <span>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

std::span<const std::int64_t> numbers_of(const at::Tensor& rows) {
  return {rows.data_ptr<std::int64_t>(), static_cast<std::size_t>(rows.numel())};
}

void mark(const at::Tensor& rows, std::vector<bool>& read) {
  if (!rows.defined()) return;
  const auto list = rows.contiguous();
  for (const auto row : numbers_of(list)) {
    if (row < 0 || row >= static_cast<std::int64_t>(read.size())) {
      throw Error(ErrorKind::bad_data,
                  fmt::format("a head reads row {} of a batch of {} tokens", row, read.size()));
    }
    read[static_cast<std::size_t>(row)] = true;
  }
}

at::Tensor places(const at::Tensor& rows, const RowSubset& subset) {
  if (!rows.defined()) return rows;
  const auto list = rows.contiguous();
  const auto all = numbers_of(subset.rows);
  auto result = at::empty_like(list);
  auto* place = result.data_ptr<std::int64_t>();
  for (const auto row : numbers_of(list)) {
    *place++ = std::lower_bound(all.begin(), all.end(), row) - all.begin();
  }
  return result;
}

}  // namespace

RowSubset rows_read(const HeadRows& heads, const PackedInput& input) {
  const auto& offsets = input.sequence_offsets;
  std::vector<bool> read(static_cast<std::size_t>(offsets.back()), false);
  mark(heads.first, read);
  mark(heads.masked, read);
  std::vector<std::int64_t> rows;
  RowSubset subset;
  subset.offsets.push_back(0);
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    for (std::int64_t row = offsets[s]; row < offsets[s + 1]; ++row) {
      if (read[static_cast<std::size_t>(row)]) rows.push_back(row);
    }
    subset.offsets.push_back(static_cast<std::int32_t>(rows.size()));
  }
  if (rows.size() == read.size()) return {};
  subset.rows = at::tensor(rows, at::TensorOptions().dtype(at::kLong));
  return subset;
}

std::int64_t RowSubset::longest() const {
  std::int64_t most = 0;
  for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
    most = std::max<std::int64_t>(most, offsets[s + 1] - offsets[s]);
  }
  return most;
}

at::Tensor rows_on(const at::Tensor& rows, at::Device device) {
  if (!rows.defined() || device.is_cpu()) return rows;
  const auto host = at::empty(rows.sizes(), rows.options().pinned_memory(true));
  return host.copy_(rows).to(device, /*non_blocking=*/true);
}

HeadRows rows_on(const HeadRows& heads, at::Device device) {
  return {rows_on(heads.first, device), rows_on(heads.masked, device)};
}

HeadRows places_in(const RowSubset& subset, const HeadRows& heads) {
  if (!subset.rows.defined()) return heads;
  return {places(heads.first, subset), places(heads.masked, subset)};
}

}  // namespace bertha
