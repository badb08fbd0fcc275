// Items in order, never too many ahead; failures arrive; the end never hangs.
#include "data_pipeline/prefetch.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace bertha {
namespace {

using namespace std::chrono_literals;

TEST(Prefetch, GivesItemsInOrder) {
  int made = 0;
  Prefetch<std::unique_ptr<int>> prefetch([&made] { return std::make_unique<int>(made++); }, 3);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(*prefetch.next(), i);
}

// Waits long for `made` to reach `count`, then a little for it to go beyond.
void expect_stops_at(const std::atomic<int>& made, int count) {
  for (int i = 0; i < 10'000 && made < count; ++i) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(made, count);
}

TEST(Prefetch, StaysWithinItsDepth) {
  std::atomic<int> made{0};
  Prefetch<int> prefetch([&made] { return made++; }, 2);
  expect_stops_at(made, 2);
  EXPECT_EQ(prefetch.next(), 0);
  expect_stops_at(made, 3);
}

TEST(Prefetch, ThrowsWhatMakingThrows) {
  int made = 0;
  Prefetch<int> prefetch(
      [&made] {
        if (made == 2) throw std::runtime_error("the third");
        return made++;
      },
      5);
  EXPECT_EQ(prefetch.next(), 0);
  EXPECT_EQ(prefetch.next(), 1);
  EXPECT_THROW(prefetch.next(), std::runtime_error);
  EXPECT_THROW(prefetch.next(), std::runtime_error);
}

TEST(Prefetch, EndsAtAnyMoment) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> made{0};
    Prefetch<int> prefetch([&made] { return made++; }, 1 + static_cast<std::size_t>(round % 3));
    if (round % 2 == 0) prefetch.next();
  }
  Prefetch<int> failed([]() -> int { throw std::runtime_error("at once"); }, 1);
}

}  // namespace
}  // namespace bertha
