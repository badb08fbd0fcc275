// Schedules against values worked out by hand.
#include "trainer/optim/learning_rate.h"

#include <cmath>

#include <gtest/gtest.h>

namespace bertha {
namespace {

Schedule schedule_of(ScheduleName name) {
  return {.name = name, .peak = 8.0, .total_steps = 110, .warmup_steps = 10};
}

TEST(LearningRate, WarmsUpByEqualSteps) {
  for (const auto name : {ScheduleName::linear, ScheduleName::polynomial, ScheduleName::cosine,
                          ScheduleName::constant}) {
    const auto schedule = schedule_of(name);
    EXPECT_DOUBLE_EQ(learning_rate(schedule, 1), 0.8);
    EXPECT_DOUBLE_EQ(learning_rate(schedule, 5), 4.0);
    EXPECT_DOUBLE_EQ(learning_rate(schedule, 10), 8.0);
  }
}

TEST(LearningRate, FallsLinearly) {
  const auto schedule = schedule_of(ScheduleName::linear);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 11), 7.92);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 4.0);
  EXPECT_NEAR(learning_rate(schedule, 109), 0.08, 1e-12);
  EXPECT_EQ(learning_rate(schedule, 110), 0.0);
  EXPECT_EQ(learning_rate(schedule, 1'000'000), 0.0);
}

TEST(LearningRate, FallsByAPower) {
  auto schedule = schedule_of(ScheduleName::polynomial);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 4.0) << "power 1 is linear";
  schedule.power = 0.5;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 85), 4.0);  // a quarter of the way left, root of it
  schedule.power = 2;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 2.0);
  schedule.end_rate = 4;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 5.0);
  EXPECT_EQ(learning_rate(schedule, 110), 4.0);
  EXPECT_EQ(learning_rate(schedule, 500), 4.0);
}

TEST(LearningRate, FallsAsACosine) {
  auto schedule = schedule_of(ScheduleName::cosine);
  EXPECT_NEAR(learning_rate(schedule, 60), 4.0, 1e-12);
  EXPECT_NEAR(learning_rate(schedule, 35), 4.0 + 4.0 * std::sqrt(0.5), 1e-12);  // cos 45 degrees
  schedule.end_rate = 2;
  EXPECT_NEAR(learning_rate(schedule, 60), 5.0, 1e-12);
  EXPECT_EQ(learning_rate(schedule, 110), 2.0);
}

// As NVIDIA's BERT: 60 of 110 updates done leave 50/110, whatever warm-up was.
TEST(LearningRate, MayFallFromTheStartOfTheRun) {
  auto schedule = schedule_of(ScheduleName::polynomial);
  schedule.decay_from = DecayStart::start;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 10), 8.0);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 11), 8.0 * 99 / 110);
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 8.0 * 50 / 110);
  schedule.power = 0.5;
  EXPECT_DOUBLE_EQ(learning_rate(schedule, 60), 8.0 * std::sqrt(50.0 / 110));
  EXPECT_EQ(learning_rate(schedule, 110), 0.0);
}

TEST(LearningRate, StaysAtThePeakWhenConstant) {
  const auto schedule = schedule_of(ScheduleName::constant);
  for (const std::int64_t step : {10, 11, 110, 1000}) EXPECT_EQ(learning_rate(schedule, step), 8.0);
}

TEST(LearningRate, NeedsNoWarmUp) {
  auto schedule = schedule_of(ScheduleName::linear);
  schedule.warmup_steps = 0;
  schedule.total_steps = 4;
  EXPECT_EQ(learning_rate(schedule, 1), 6.0);
  EXPECT_EQ(learning_rate(schedule, 4), 0.0);
}

// Odd, but nothing to divide by zero about.
TEST(LearningRate, MayBeAllWarmUp) {
  auto schedule = schedule_of(ScheduleName::cosine);
  schedule.warmup_steps = schedule.total_steps = 4;
  EXPECT_EQ(learning_rate(schedule, 4), 8.0);
  EXPECT_EQ(learning_rate(schedule, 5), 0.0);
  schedule.warmup_steps = 8;
  EXPECT_EQ(learning_rate(schedule, 6), 6.0);
}

}  // namespace
}  // namespace bertha
