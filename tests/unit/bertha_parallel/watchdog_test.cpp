// The watchdog names the phase that is stuck, tells it once, and stays quiet while there is
// progress. No assertion depends on how fast the machine is.
#include "parallel/watchdog.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using std::chrono::seconds;

// What was told, and a way to wait for it.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> phases;
  std::vector<double> seconds;

  auto recorder() {
    return [this](const std::string& phase, double waited) {
      const std::scoped_lock lock(mutex);
      phases.push_back(phase);
      seconds.push_back(waited);
      changed.notify_all();
    };
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(
        changed.wait_for(lock, std::chrono::seconds(30), [&] { return phases.size() >= count; }));
  }
};

TEST(Watchdog, NamesThePhaseOnceAndWatchesAgainAfterProgress) {
  Told told;
  Watchdog watchdog(seconds(1), told.recorder());
  watchdog.report("forward");
  watchdog.report("all-reduce");
  told.wait_for(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));  // told once, not every second
  watchdog.report("optimizer");
  told.wait_for(2);
  EXPECT_THAT(told.phases, ::testing::ElementsAre("all-reduce", "optimizer"));
  EXPECT_GE(told.seconds.front(), 1.0);
}

TEST(Watchdog, WatchesFromTheStart) {
  Told told;
  const Watchdog watchdog(seconds(1), told.recorder());
  told.wait_for(1);
  EXPECT_THAT(told.phases, ::testing::ElementsAre("start"));
}

TEST(Watchdog, EndsAtOnceAndZeroMeansNoWatching) {
  Told told;
  {
    Watchdog patient(seconds(3600), told.recorder());
    patient.report("work");
    Watchdog endless(seconds::max(), told.recorder());
    endless.report("work");
    Watchdog none(seconds(0), told.recorder());
    none.report("work");
  }  // destruction does not wait an hour
  EXPECT_THAT(told.phases, ::testing::IsEmpty());
}

// Whoever waits for what comes from outside may wait; the time counts from its end.
TEST(Watchdog, IsQuietWhilePaused) {
  Told told;
  Watchdog watchdog(seconds(1), told.recorder());
  {
    const Watchdog::Pause pause(watchdog, "waiting for rows");
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    EXPECT_THAT(told.phases, ::testing::IsEmpty());
  }
  told.wait_for(1);
  EXPECT_THAT(told.phases, ::testing::ElementsAre("waiting for rows"));
}

// A job that asks again and again how far a piece of work is has to hear that it got on.
TEST(Watchdog, TakesPollingForNoProgress) {
  Told told;
  Watchdog watchdog(seconds(1), told.recorder());
  EXPECT_EQ(watchdog.enter("gather", 0), 1U);
  {
    Watchdog::Polling polling(watchdog, "saving");
    std::atomic<bool> enough = false;
    const std::jthread poller([&] {
      while (!enough) {
        EXPECT_EQ(watchdog.enter("gather", 0), 1U);  // no collective of the job's own either
        watchdog.begin_waiting();
        watchdog.end_waiting();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    });
    told.wait_for(1);
    polling.waits_for("rank 3 is not done");
    polling.got_on();
    told.wait_for(2);
    enough = true;
  }
  EXPECT_THAT(told.phases, ::testing::ElementsAre("saving", "saving"));
  EXPECT_EQ(watchdog.enter("gather", 0), 2U);
}

// Who polls is not seen waiting at one poll or another; who does not come to it is.
TEST(Watchdog, TellsALongWaitOfWhoPolls) {
  Watchdog watchdog(seconds(0));
  const Watchdog::Polling polling(watchdog, "saving");
  watchdog.begin_waiting();
  EXPECT_FALSE(watchdog.activity().blocked);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(watchdog.activity().blocked);
}

TEST(WatchdogDeathTest, NamesWhoIsNotDoneWhenAPolledPieceOfWorkStandsStill) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Watchdog watchdog{seconds(1)};
        Watchdog::Polling polling(watchdog, "saving");
        polling.waits_for("rank 3 is not done");
        polling.got_on();
        for (;;) {
          watchdog.enter("gather", 0);
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
      },
      ::testing::ExitedWithCode(76),
      "bertha: error: no progress for [0-9]+ s in phase \"saving\": rank 3 is not done, after "
      "start \\(watchdog\\)");
}

TEST(WatchdogDeathTest, ByDefaultEndsTheJobWithItsCodeAndOneLine) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Watchdog watchdog{seconds(1)};
        watchdog.report("forward");
        watchdog.report("backward");
        watchdog.report("gathering weights");
        std::this_thread::sleep_for(std::chrono::seconds(60));
      },
      ::testing::ExitedWithCode(76),
      "bertha: error: no progress for [0-9]+ s in phase \"gathering weights\", after start, "
      "forward, backward \\(watchdog\\); .*timeout_seconds");
}

}  // namespace
}  // namespace bertha
