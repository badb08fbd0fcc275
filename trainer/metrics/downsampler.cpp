// Buckets of points that merge as a curve grows.
#include "trainer/metrics/downsampler.h"

#include <algorithm>

namespace bertha {
namespace {

// Two points each, and room for the first and the last point.
constexpr std::size_t kMostBuckets = (Downsampler::kMostPoints - 2) / 2;

}  // namespace

void Downsampler::add(CurvePoint point) {
  if (added_ == 0) first_ = point;
  last_ = point;
  ++added_;
  if (buckets_.empty() || in_last_ == width_) {
    if (buckets_.size() == kMostBuckets) merge_neighbours();
    // After a merge of an odd number the last bucket is half full.
    if (buckets_.empty() || in_last_ == width_) {
      buckets_.push_back({point, point});
      in_last_ = 1;
      return;
    }
  }
  auto& bucket = buckets_.back();
  if (point.value < bucket.low.value) bucket.low = point;
  if (point.value > bucket.high.value) bucket.high = point;
  ++in_last_;
}

void Downsampler::merge_neighbours() {
  const std::size_t count = buckets_.size();
  for (std::size_t i = 0; i < count; i += 2) {
    auto merged = buckets_[i];
    if (i + 1 < count) {
      const auto& next = buckets_[i + 1];
      if (next.low.value < merged.low.value) merged.low = next.low;
      if (next.high.value > merged.high.value) merged.high = next.high;
    }
    buckets_[i / 2] = merged;
  }
  in_last_ = count % 2 == 0 ? 2 * width_ : width_;
  width_ *= 2;
  buckets_.resize((count + 1) / 2);
}

std::vector<CurvePoint> Downsampler::points() const {
  std::vector<CurvePoint> points;
  if (added_ == 0) return points;
  points.push_back(first_);
  for (const auto& bucket : buckets_) {
    const bool low_first = bucket.low.step <= bucket.high.step;
    points.push_back(low_first ? bucket.low : bucket.high);
    points.push_back(low_first ? bucket.high : bucket.low);
  }
  points.push_back(last_);
  std::stable_sort(points.begin(), points.end(),
                   [](const auto& a, const auto& b) { return a.step < b.step; });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

}  // namespace bertha
