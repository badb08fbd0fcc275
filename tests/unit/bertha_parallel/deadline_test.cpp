// Deadlines that are kept and that are not.
#include "parallel/deadline.h"

#include <atomic>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace bertha {
namespace {

using std::chrono::milliseconds;

TEST(Deadline, WhatIsOverInTimeIsLeftAlone) {
  std::atomic<int> calls = 0;
  {
    const Deadline deadline(std::chrono::hours(1), [&] { ++calls; });
  }
  {
    const Deadline none(milliseconds(0), [&] { ++calls; });
  }
  EXPECT_EQ(calls, 0);
}

TEST(Deadline, WhatIsNotOverIsToldOnce) {
  std::atomic<int> calls = 0;
  const Deadline deadline(milliseconds(20), [&] { ++calls; });
  for (int i = 0; i < 500 && calls == 0; ++i) std::this_thread::sleep_for(milliseconds(20));
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace bertha
