// Cuts the flat gradient into buckets that are reduced one by one while backward still runs. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bertha {

// A range [begin, end) of the flat space, in elements.
struct FlatRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const FlatRange&) const = default;
};

// Buckets in the order in which they are reduced: from the end of the flat space (whose gradients
// are complete first) to its beginning. Together they cover the whole space without overlap.
struct BucketPlan {
  std::vector<FlatRange> buckets;
  std::vector<int> bucket_of_parameter;  // by parameter number
};

// `parameters`: ranges by parameter number, ascending, gaps (padding) allowed; `bucket_elements` is
// the aim; a bucket holds whole parameters, at least one. `total` elements in the flat space.
BucketPlan plan_buckets(std::span<const FlatRange> parameters, std::int64_t total,
                        std::int64_t bucket_elements);

// How many elements of `range` lie in each of the ranges that the ranks own, which cover the flat
// space in the order of ranks.
std::vector<std::int64_t> parts_of(const FlatRange& range, std::span<const FlatRange> owned);

}  // namespace bertha
