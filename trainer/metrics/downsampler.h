// Keeps a curve of any length to at most 1000 points without losing its peaks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bertha {

struct CurvePoint {
  std::int64_t step = 0;
  double value = 0;
  bool operator==(const CurvePoint&) const = default;
};

// Points stream in; memory stays bounded. Neighbouring points share a bucket that keeps its
// smallest and largest; when the buckets run out, neighbours merge and buckets hold twice as many.
class Downsampler {
 public:
  static constexpr std::size_t kMostPoints = 1000;

  void add(CurvePoint point);
  // In order of step. The first and last point and the overall smallest and largest value are
  // always among them; a short curve comes out whole.
  std::vector<CurvePoint> points() const;
  std::size_t added() const { return added_; }
  CurvePoint last() const { return last_; }

 private:
  struct Bucket {
    CurvePoint low, high;
  };
  void merge_neighbours();

  std::vector<Bucket> buckets_;
  CurvePoint first_, last_;
  std::size_t added_ = 0;
  std::size_t width_ = 1;    // points per full bucket
  std::size_t in_last_ = 0;  // points in the last bucket
};

}  // namespace bertha
