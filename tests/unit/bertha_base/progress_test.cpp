// Numbers for people, and a progress line that stays out of the way of logs.
#include "parallel/base/progress.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/log.h"

namespace bertha {
namespace {

TEST(Progress, WritesBytesForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1500), "1.5 kB");
  EXPECT_EQ(human_bytes(123'456'789), "123 MB");
  EXPECT_EQ(human_bytes(5e15), "5000 TB");
}

TEST(Progress, WritesTimesForPeople) {
  EXPECT_EQ(human_seconds(0.04), "0.0 s");
  EXPECT_EQ(human_seconds(9.94), "9.9 s");
  EXPECT_EQ(human_seconds(35.2), "35 s");
  EXPECT_EQ(human_seconds(119.4), "119 s");
  EXPECT_EQ(human_seconds(125), "2 min 05 s");
  EXPECT_EQ(human_seconds(7500), "2 h 05 min");
}

TEST(Progress, WritesCountsForPeople) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(0.123), "0.12");
  EXPECT_EQ(human_count(12.34), "12.3");
  EXPECT_EQ(human_count(972.8), "973");
  EXPECT_EQ(human_count(9999), "9999");
  EXPECT_EQ(human_count(12'345), "12.3 k");
  EXPECT_EQ(human_count(12'345'678), "12.35 M");
  EXPECT_EQ(human_count(3.2e9), "3.20 G");
}

TEST(Progress, TheLineShowsTheShareThatIsDone) {
  using ::testing::StartsWith;
  ProgressBar bar("write shards", 2000, "tokens", true);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards   0% [                    ] 0 of 2000 tokens"));
  bar.update(500);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards  25% [#####               ] 500 of 2000 tokens"));
  bar.update(2000);
  EXPECT_THAT(bar.line(200),
              StartsWith("write shards 100% [####################] 2000 of 2000 tokens"));
  EXPECT_EQ(bar.line(40), "write shards 100% 2000 of 2000 tokens");
  EXPECT_EQ(bar.line(17), "write shards 100%");
  EXPECT_EQ(bar.line(5), "write");
}

TEST(Progress, ShortAndDisabledJobsSayNothing) {
  testing::internal::CaptureStderr();
  {
    ProgressBar quick("prepare", 10, "steps", true);
    ProgressBar disabled("prepare", 10, "steps", false);
    for (std::uint64_t i = 0; i <= 10; ++i) {
      quick.update(i, "loss 1.0");
      disabled.update(i);
    }
    log_info("beside it");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "bertha: beside it\n");
}

}  // namespace
}  // namespace bertha
