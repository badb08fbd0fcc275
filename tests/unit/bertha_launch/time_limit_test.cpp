// When a run stops by itself: by its own limit or by Slurm's.
#include "launch/time_limit.h"

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

TEST(TimeLimit, IsNoneWithoutOptionAndSlurm) {
  EXPECT_FALSE(time_limit({}, 1000, nullptr));
  EXPECT_FALSE(time_limit({}, 1000, ""));
  EXPECT_FALSE(reached(std::nullopt));
}

TEST(TimeLimit, ComesFromSlurmLessTheMargin) {
  const auto limit = time_limit({}, 1000, "11000");
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->ends_at, 11000);
  EXPECT_EQ(limit->stop_at, 11000 - 120);
}

TEST(TimeLimit, OfTheOptionWins) {
  TrainOptions options;
  options.max_seconds = 5000;
  options.stop_before_seconds = 60;
  const auto limit = time_limit(options, 1000, "11000");
  EXPECT_EQ(limit->ends_at, 6000);
  EXPECT_EQ(limit->stop_at, 5940);
}

// A job of two minutes must train, not stop at once for its margin of two minutes.
TEST(TimeLimit, LeavesAShortJobNineTenths) {
  const auto limit = time_limit({}, 1000, "1120");
  EXPECT_EQ(limit->stop_at, 1120 - 12);
}

TEST(TimeLimit, PassesOverWhatIsNoTimeToCome) {
  for (const char* text : {"soon", "12x", "-5", "999", "0"}) {
    EXPECT_FALSE(time_limit({}, 1000, text)) << text;
  }
}

TEST(TimeLimit, RefusesNegativeOptions) {
  TrainOptions options;
  options.max_seconds = -1;
  EXPECT_THROW(time_limit(options, 1000, nullptr), Error);
  options = {};
  options.stop_before_seconds = -1;
  EXPECT_THROW(time_limit(options, 1000, "5000"), Error);
}

TEST(TimeLimit, IsReachedWhenItsTimeHasCome) {
  EXPECT_TRUE(reached(TimeLimit{1000, 1100}));
  EXPECT_FALSE(reached(TimeLimit{1e12, 1e12}));
}

}  // namespace
}  // namespace bertha
