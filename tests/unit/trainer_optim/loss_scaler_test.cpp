// Dynamic loss scaling: when it halves, when it doubles, when it gives up.
#include "trainer/optim/loss_scaler.h"

#include <cmath>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void take_good_steps(LossScaler& scaler, int count) {
  for (int i = 0; i < count; ++i) scaler.update(true);
}

TEST(LossScaler, HalvesOnOverflowAndCountsIt) {
  LossScaler scaler(true);
  EXPECT_EQ(scaler.scale(), 65536.0);
  take_good_steps(scaler, 5);
  scaler.update(false);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 16384.0);
  EXPECT_EQ(scaler.state(), (LossScalerState{16384.0, 0, 2, 2}));
  scaler.update(true);
  EXPECT_EQ(scaler.state(), (LossScalerState{16384.0, 1, 0, 2}));
}

TEST(LossScaler, DoublesAfter2000GoodStepsInARow) {
  LossScaler scaler(true);
  take_good_steps(scaler, 1999);
  EXPECT_EQ(scaler.scale(), 65536.0);
  scaler.update(true);
  EXPECT_EQ(scaler.scale(), 131072.0);
  EXPECT_EQ(scaler.state().good_steps, 0);
  take_good_steps(scaler, 1999);
  scaler.update(false);  // one short: the count begins anew
  EXPECT_EQ(scaler.scale(), 65536.0);
  take_good_steps(scaler, 1999);
  EXPECT_EQ(scaler.scale(), 65536.0);
}

TEST(LossScaler, StaysBetween1And2ToThe24) {
  LossScaler low(true, {.scale = 1.5});
  low.update(false);
  EXPECT_EQ(low.scale(), 1.0);
  low.update(false);
  EXPECT_EQ(low.scale(), 1.0);
  LossScaler high(true, {.scale = 0x1p24, .good_steps = 1999});
  high.update(true);
  EXPECT_EQ(high.scale(), 0x1p24);
}

TEST(LossScaler, GivesUpAfter20OverflowsInARow) {
  LossScaler scaler(true);
  for (int i = 0; i < 19; ++i) scaler.update(false);
  EXPECT_EQ(scaler.given_up(), "");
  scaler.update(true);
  for (int i = 0; i < 19; ++i) scaler.update(false);
  EXPECT_EQ(scaler.given_up(), "");
  scaler.update(false);
  EXPECT_EQ(scaler.given_up(),
            "fp16 gradients overflowed in 20 steps in a row, at a loss scale of 1");
}

TEST(LossScaler, TakesItsNumbersFromTheOptions) {
  LossScaler scaler(true, {.scale = 8}, {8, 3, 2});
  take_good_steps(scaler, 2);
  EXPECT_EQ(scaler.scale(), 8);
  take_good_steps(scaler, 1);
  EXPECT_EQ(scaler.scale(), 16);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 8);
  EXPECT_EQ(scaler.given_up(), "");
  scaler.update(false);
  EXPECT_NE(scaler.given_up(), "");
  for (const LossScalerOptions impossible :
       {LossScalerOptions{0.5, 3, 2}, LossScalerOptions{8, 0, 2}, LossScalerOptions{8, 3, 0}}) {
    EXPECT_THROW(LossScaler(true, {}, impossible), Error);
  }
}

TEST(LossScaler, GoesOnWhereItsStateLeftOff) {
  LossScaler whole(true), first(true);
  take_good_steps(whole, 3000);
  take_good_steps(first, 1500);
  LossScaler second(true, first.state());
  take_good_steps(second, 1500);
  EXPECT_EQ(second.state(), whole.state());
}

TEST(LossScaler, IsOneWhenDisabled) {
  LossScaler scaler(false);
  scaler.update(false);
  EXPECT_EQ(scaler.scale(), 1.0);
  EXPECT_EQ(scaler.state(), LossScalerState{});
  EXPECT_EQ(scaler.given_up(), "");
}

TEST(LossScaler, RefusesScalesThatAreNone) {
  for (const double scale : {0.0, -2.0, 0.5, std::nan(""), HUGE_VAL}) {
    EXPECT_THROW(LossScaler(true, {.scale = scale}), Error) << scale;
  }
}

}  // namespace
}  // namespace bertha
