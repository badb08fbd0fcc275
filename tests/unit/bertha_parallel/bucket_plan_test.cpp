// Buckets cover the flat space once, from its end to its beginning, in whole parameters.
#include "parallel/bucket_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/base/philox.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;

TEST(BucketPlan, FillsFromTheEnd) {
  const std::vector<FlatRange> parameters{{0, 100}, {104, 110}, {112, 212}, {216, 220}};
  const auto plan = plan_buckets(parameters, 224, 50);
  EXPECT_THAT(plan.buckets, ElementsAre(FlatRange{112, 224}, FlatRange{0, 112}));
  EXPECT_THAT(plan.bucket_of_parameter, ElementsAre(1, 1, 0, 0));
}

TEST(BucketPlan, OneElementMakesABucketOfEveryParameter) {
  const std::vector<FlatRange> parameters{{8, 10}, {10, 11}, {12, 20}};
  const auto plan = plan_buckets(parameters, 24, 1);
  EXPECT_THAT(plan.buckets, ElementsAre(FlatRange{12, 24}, FlatRange{10, 12}, FlatRange{0, 10}));
  EXPECT_THAT(plan.bucket_of_parameter, ElementsAre(2, 1, 0));
}

TEST(BucketPlan, ALargeAimMakesOneBucket) {
  const std::vector<FlatRange> parameters{{0, 3}, {3, 9}};
  const auto plan = plan_buckets(parameters, 9, 1 << 30);
  EXPECT_THAT(plan.buckets, ElementsAre(FlatRange{0, 9}));
}

TEST(BucketPlan, SpacesWithoutParameters) {
  EXPECT_TRUE(plan_buckets({}, 0, 10).buckets.empty());
  EXPECT_THAT(plan_buckets({}, 7, 10).buckets, ElementsAre(FlatRange{0, 7}));
}

TEST(BucketPlan, RandomSpacesAreCoveredOnce) {
  for (std::uint64_t round = 0; round < 200; ++round) {
    Philox random(1, RandomPurpose::sample_order, round);
    std::vector<FlatRange> parameters;
    std::int64_t end = static_cast<std::int64_t>(random.next_below(5));
    const auto count = 1 + random.next_below(30);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto begin = end + static_cast<std::int64_t>(random.next_below(4));
      end = begin + static_cast<std::int64_t>(random.next_below(100));
      parameters.push_back({begin, end});
    }
    const auto total = end + static_cast<std::int64_t>(random.next_below(9));
    const auto aim = 1 + static_cast<std::int64_t>(random.next_below(300));
    const auto plan = plan_buckets(parameters, total, aim);
    auto expected_end = total;
    for (std::size_t b = 0; b < plan.buckets.size(); ++b) {
      EXPECT_EQ(plan.buckets[b].end, expected_end);
      expected_end = plan.buckets[b].begin;
      if (b + 1 < plan.buckets.size()) {
        EXPECT_GE(plan.buckets[b].size(), aim);
      }
    }
    EXPECT_EQ(expected_end, 0);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& bucket = plan.buckets.at(static_cast<std::size_t>(plan.bucket_of_parameter[i]));
      EXPECT_LE(bucket.begin, parameters[i].begin);
      EXPECT_GE(bucket.end, parameters[i].end);
    }
  }
}

TEST(BucketPlan, PartsOfARangeAreWhatItsOwnersHaveOfIt) {
  const std::vector<FlatRange> owned{{0, 35}, {35, 35}, {35, 50}, {50, 90}};
  EXPECT_EQ(parts_of({10, 60}, owned), (std::vector<std::int64_t>{25, 0, 15, 10}));
  EXPECT_EQ(parts_of({0, 35}, owned), (std::vector<std::int64_t>{35, 0, 0, 0}));
  EXPECT_EQ(parts_of({60, 90}, owned), (std::vector<std::int64_t>{0, 0, 0, 30}));
}

TEST(BucketPlan, RefusesWhatIsNoPlan) {
  const std::vector<FlatRange> overlapping{{0, 5}, {4, 9}}, beyond{{0, 11}}, backwards{{5, 2}};
  EXPECT_THROW(plan_buckets(overlapping, 10, 4), Error);
  EXPECT_THROW(plan_buckets(beyond, 10, 4), Error);
  EXPECT_THROW(plan_buckets(backwards, 10, 4), Error);
  EXPECT_THROW(plan_buckets({}, 10, 0), Error);
}

}  // namespace
}  // namespace bertha
