// When a run stops by itself: by its own limit or by Slurm's.
#include "launch/time_limit.h"

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

TEST(TimeLimit, IsNoneWithoutOptionAndSlurm) {
  EXPECT_FALSE(time_limit({}, 1000, nullptr));
  EXPECT_FALSE(time_limit({}, 1000, ""));
  EXPECT_FALSE(TimeWatch(std::nullopt).stop_wanted(1e12));
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
  TimeWatch past(TimeLimit{1000, 1100}), far(TimeLimit{1e12, 1e12});
  EXPECT_FALSE(past.reached());
  EXPECT_TRUE(past.stop_wanted());
  EXPECT_TRUE(past.reached());
  EXPECT_FALSE(far.stop_wanted());
}

// The step that comes would end too late: 10 for it, 20 for the save.
TEST(TimeLimit, LeavesTimeForTheLongestStepAndASave) {
  const TimeLimit limit{1000, 1100};
  TimeWatch quick(limit);
  for (double now = 950; now < 999; ++now) EXPECT_FALSE(quick.stop_wanted(now)) << now;
  EXPECT_TRUE(quick.stop_wanted(999));
  TimeWatch slow(limit);
  EXPECT_FALSE(slow.stop_wanted(900));
  EXPECT_FALSE(slow.stop_wanted(910));  // 10 for a step
  slow.saved(30);
  slow.saved(20);
  EXPECT_FALSE(slow.stop_wanted(915));
  EXPECT_FALSE(slow.stop_wanted(925));
  for (const double now : {935.0, 945.0, 955.0, 965.0, 969.5}) EXPECT_FALSE(slow.stop_wanted(now));
  EXPECT_TRUE(slow.stop_wanted(970));
  EXPECT_TRUE(slow.stop_wanted(971));
}

// However long one step takes, the watch is asked only after it.
TEST(TimeLimit, StopsAtOnceWhenAStepTakesTheWholeMargin) {
  TimeWatch watch(TimeLimit{1000, 1100});
  EXPECT_FALSE(watch.stop_wanted(100));
  EXPECT_TRUE(watch.stop_wanted(600));  // the next would end at 1100
}

}  // namespace
}  // namespace bertha
