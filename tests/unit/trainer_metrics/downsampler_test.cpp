// Long curves come out short with their peaks, ends and order kept; short ones come out whole.
#include "trainer/metrics/downsampler.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

std::vector<CurvePoint> through(const std::vector<CurvePoint>& points) {
  Downsampler downsampler;
  for (const auto& point : points) downsampler.add(point);
  return downsampler.points();
}

TEST(Downsampler, EmptyAndShortCurvesComeOutWhole) {
  EXPECT_TRUE(Downsampler().points().empty());
  std::vector<CurvePoint> points;
  for (std::int64_t step = 0; step < 400; ++step) {
    points.push_back({step, std::sin(static_cast<double>(step))});
    if (step % 57 == 0) {
      EXPECT_EQ(through(points), points);
    }
  }
  EXPECT_EQ(through(points), points);
}

class LongCurve : public testing::TestWithParam<std::int64_t> {};

TEST_P(LongCurve, KeepsExtremesEndsAndOrderWithinTheLimit) {
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  std::normal_distribution<double> noise;
  std::vector<CurvePoint> points;
  for (std::int64_t i = 0; i < GetParam(); ++i) points.push_back({i * 10, noise(random)});
  points[points.size() / 3].value = 1000;  // one peak and one dip among many
  points[points.size() / 5].value = -1000;

  const auto kept = through(points);
  EXPECT_LE(kept.size(), Downsampler::kMostPoints);
  EXPECT_GE(kept.size(), Downsampler::kMostPoints / 4);
  EXPECT_EQ(kept.front(), points.front());
  EXPECT_EQ(kept.back(), points.back());
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(),
                             [](const auto& a, const auto& b) { return a.step < b.step; }));
  EXPECT_THAT(kept, ::testing::Contains(points[points.size() / 3]));
  EXPECT_THAT(kept, ::testing::Contains(points[points.size() / 5]));
  for (const auto& point : kept) {  // nothing was invented
    EXPECT_EQ(points[static_cast<std::size_t>(point.step / 10)], point);
  }
}

INSTANTIATE_TEST_SUITE_P(Lengths, LongCurve,
                         testing::Values(500, 998, 999, 1000, 1001, 1997, 5000, 123'457));

// Every stretch of the curve keeps its own smallest and largest value.
TEST(Downsampler, KeepsThePeaksOfEveryStretch) {
  constexpr std::int64_t kPoints = 100'000, kPeriod = 1'000;
  Downsampler downsampler;
  for (std::int64_t i = 0; i < kPoints; ++i) {
    downsampler.add({i, i % kPeriod == 500 ? 1.0 : 0.0});
  }
  std::int64_t peaks = 0;
  for (const auto& point : downsampler.points()) peaks += point.value == 1.0;
  EXPECT_EQ(peaks, kPoints / kPeriod);
  EXPECT_EQ(downsampler.added(), static_cast<std::size_t>(kPoints));
}

TEST(Downsampler, AConstantCurveAndEqualStepsAreFine) {
  std::vector<CurvePoint> points(5'000, CurvePoint{7, 2.5});
  const auto kept = through(points);
  EXPECT_THAT(kept, ::testing::ElementsAre(CurvePoint{7, 2.5}));
}

}  // namespace
}  // namespace bertha
