// Heartbeats between ranks as threads, over real sockets: who waits for whom is known everywhere.
#include "parallel/heartbeats.h"

#include <thread>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/watched_communicator.h"
#include "tests/support/thread_communicator.h"

namespace bertha::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr milliseconds kBeat{20};

// Asks for ten seconds until the answer holds `text`; the last answer.
std::string answer_with(const Heartbeats& heartbeats, const std::string& text) {
  std::string answer;
  for (int i = 0; i < 500 && answer.find(text) == std::string::npos; ++i) {
    std::this_thread::sleep_for(kBeat);
    answer = heartbeats.held_up_by();
  }
  return answer;
}

TEST(Heartbeats, EveryRankHearsWhoHasNotArrived) {
  run_thread_ranks(3, [](Communicator& communicator) {
    Watchdog watchdog(std::chrono::seconds(0));
    watchdog.report("forward");
    const Heartbeats heartbeats(communicator, [&] { return watchdog.activity(); },
                                {.interval = kBeat});
    if (communicator.rank_info().rank != 2) {
      watchdog.enter("all-reduce", 400);
      watchdog.begin_waiting();
    }
    const std::string expected =
        "the job stands at all-reduce #1 of 400 bytes: rank 2 has not arrived: in phase "
        "\"forward\"";
    EXPECT_THAT(answer_with(heartbeats, expected), HasSubstr(expected));
    communicator.gather_bytes("");  // all have seen it
  });
}

TEST(Heartbeats, WhoFallsSilentIsNamed) {
  for (const int dying : {0, 1}) {
    run_thread_ranks(2, [dying](Communicator& communicator) {
      const auto activity = [] { return RankActivity{.sequence = 1, .blocked = true}; };
      auto heartbeats = std::make_unique<Heartbeats>(communicator, activity,
                                                     HeartbeatSettings{.interval = kBeat});
      std::this_thread::sleep_for(5 * kBeat);
      if (communicator.rank_info().rank == dying) {
        heartbeats.reset();
      } else {
        const auto silent = "rank " + std::to_string(dying) + " silent for ";
        EXPECT_THAT(answer_with(*heartbeats, silent), HasSubstr(silent));
      }
      communicator.gather_bytes("");
    });
  }
}

// The watched communicator counts collectives alike on all ranks, and the time spent in them.
TEST(WatchedCommunicator, NumbersCollectivesAndMeasuresWaiting) {
  run_thread_ranks(
      {.world_size = 2, .faults = {{.rank = 1, .call = 2, .kind = Fault::Kind::delay}}},
      [](Communicator& communicator) {
        Watchdog watchdog(std::chrono::seconds(0));
        const auto watched = watch_communicator(communicator, watchdog);
        watched->gather_bytes("x");
        const auto values = at::ones({10});
        watched->all_reduce(values, ReduceOp::sum)->wait();
        EXPECT_EQ(values[0].item<float>(), 2);
        const auto activity = watchdog.activity();
        EXPECT_EQ(activity.sequence, 2U);
        EXPECT_STREQ(activity.operation.data(), "all-reduce");
        EXPECT_EQ(activity.bytes, 40U);
        EXPECT_FALSE(activity.blocked);
        if (communicator.rank_info().rank == 0) {
          EXPECT_GE(watchdog.waiting_seconds(), 0.09);
        }
      });
}

}  // namespace
}  // namespace bertha::testing
