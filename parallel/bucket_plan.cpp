// Walks the parameters from the last to the first and closes a bucket when it is large enough.
#include "parallel/bucket_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void check(std::span<const FlatRange> parameters, std::int64_t total,
           std::int64_t bucket_elements) {
  if (bucket_elements < 1) {
    throw Error(ErrorKind::usage, "a gradient bucket holds less than one element",
                "raise parallel.bucket_bytes");
  }
  std::int64_t end = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& range = parameters[i];
    if (range.begin < end || range.end < range.begin || range.end > total) {
      throw Error(
          ErrorKind::internal,
          fmt::format("parameter {} lies at [{}, {}), but the one before ends at {} and the "
                      "flat space at {}",
                      i, range.begin, range.end, end, total));
    }
    end = range.end;
  }
}

}  // namespace

BucketPlan plan_buckets(std::span<const FlatRange> parameters, std::int64_t total,
                        std::int64_t bucket_elements) {
  check(parameters, total, bucket_elements);
  BucketPlan plan;
  plan.bucket_of_parameter.resize(parameters.size());
  std::int64_t end = total;  // of the bucket being filled
  for (std::size_t i = parameters.size(); i-- > 0;) {
    plan.bucket_of_parameter[i] = static_cast<int>(plan.buckets.size());
    // The first parameter's bucket takes whatever padding lies before it.
    const std::int64_t begin = i == 0 ? 0 : parameters[i].begin;
    if (i == 0 || end - begin >= bucket_elements) {
      plan.buckets.push_back({begin, end});
      end = begin;
    }
  }
  if (parameters.empty() && total > 0) plan.buckets.push_back({0, total});
  return plan;
}

std::vector<std::int64_t> parts_of(const FlatRange& range, std::span<const FlatRange> owned) {
  std::vector<std::int64_t> parts;
  for (const auto& rank : owned) {
    const auto begin = std::max(range.begin, rank.begin), end = std::min(range.end, rank.end);
    parts.push_back(std::max<std::int64_t>(0, end - begin));
  }
  return parts;
}

}  // namespace bertha
