// BERTHA_FAULT: meant for one rank, one place and one step; nonsense is refused.
#include "parallel/base/fault.h"

#include <chrono>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void arm(const char* fault, int rank) {
  ::setenv("BERTHA_FAULT", fault, 1);
  set_fault_step(0);
  arm_fault(rank);
  ::unsetenv("BERTHA_FAULT");
}

TEST(Fault, ComesOnceAtItsPlaceAndStep) {
  arm("2:forward:3:throw", 2);
  EXPECT_FALSE(inject_fault("forward")) << "too early";
  set_fault_step(3);
  EXPECT_FALSE(inject_fault("data"));
  EXPECT_THROW(inject_fault("forward"), Error);
  EXPECT_FALSE(inject_fault("forward")) << "once";
}

TEST(Fault, LeavesOtherRanksAlone) {
  arm("2:forward:0:throw", 1);
  EXPECT_FALSE(inject_fault("forward"));
}

TEST(Fault, SpoilsAndFillsDisks) {
  arm("0:forward:0:nan", 0);
  EXPECT_TRUE(inject_fault("forward"));
  arm("0:save:0:full", 0);
  try {
    inject_fault("save");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("No space left on device"));
  }
}

TEST(Fault, SlowsEveryTime) {
  arm("0:forward:0:slow20", 0);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(inject_fault("forward"));
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(60));
}

TEST(Fault, RefusesNonsense) {
  for (const char* fault : {"1", "1:forward:2", "x:forward:2:kill", "1:forward:-2:kill",
                            "1:forward:2:kill:now", "1:forward:2:slow", "1:forward:2:explode"}) {
    EXPECT_THROW(arm(fault, 1), Error) << fault;
  }
  ::unsetenv("BERTHA_FAULT");
}

}  // namespace
}  // namespace bertha
