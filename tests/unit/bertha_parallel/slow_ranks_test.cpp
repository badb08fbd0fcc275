// A rank that takes much longer than the others is named, seldom; noise is not.
#include "parallel/slow_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

std::vector<int> steps_with_warnings(const std::vector<double>& seconds, int steps,
                                     std::string& text) {
  SlowRanks ranks;
  std::vector<int> found;
  for (int step = 1; step <= steps; ++step) {
    if (const auto warning = ranks.add(seconds)) {
      found.push_back(step);
      text = *warning;
    }
  }
  return found;
}

// After 8 steps, then after 16 more, 32 more, ...
TEST(SlowRanks, NamesTheSlowestLessAndLessOften) {
  std::string text;
  const auto found = steps_with_warnings({0.1, 0.1, 0.35, 0.12}, 8 + 16 + 32 + 10, text);
  EXPECT_THAT(found, ::testing::ElementsAre(8, 24, 56));
  EXPECT_EQ(text,
            "rank 2 is slow: 0.35 s of work a step, the others 0.1 s (over 32 steps); they wait "
            "for it");
}

TEST(SlowRanks, DoesNotSpeakOfNoise) {
  std::string text;
  EXPECT_THAT(steps_with_warnings({0.1, 0.1, 0.19}, 100, text), ::testing::IsEmpty()) << text;
  EXPECT_THAT(steps_with_warnings({0.001, 0.019}, 100, text), ::testing::IsEmpty()) << text;
  EXPECT_THAT(steps_with_warnings({5}, 100, text), ::testing::IsEmpty()) << text;
}

TEST(SlowRanks, TwoOfThreeSlowRanksMakeThatTheUsualSpeed) {
  std::string text;
  EXPECT_THAT(steps_with_warnings({0.1, 0.4, 0.4}, 100, text), ::testing::IsEmpty()) << text;
}

}  // namespace
}  // namespace bertha
