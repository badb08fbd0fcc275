// Work beside questions to all ranks: who gets on is waited for, who does not is met by every
// rank's watchdog, and what is thrown ends it.
#include "launch/long_work.h"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/watched_communicator.h"
#include "tests/support/thread_communicator.h"

namespace bertha::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr int kRanks = 3;
using Told = std::array<std::atomic<int>, kRanks>;  // by rank: how often its watchdog had enough

struct OneRank {
  int rank;
  LongWork& work;
  const std::stop_token& stop;
};

// Every rank of some does `body`, watched for a second; what each threw, by rank.
std::vector<std::string> work_on(int ranks, Told& told,
                                 const std::function<void(const OneRank&)>& body) {
  const auto outcomes = outcomes_of_thread_ranks(
      {.world_size = ranks, .faults = {}}, [&](Communicator& communicator) {
        const int rank = communicator.rank_info().rank;
        Watchdog watchdog(std::chrono::seconds(1), [&](const std::string& phase, double) {
          EXPECT_EQ(phase, "long work");
          ++told[static_cast<std::size_t>(rank)];
        });
        const auto watched = watch_communicator(communicator, watchdog);
        LongWork work(*watched, watchdog, "long work");
        work.run([&](const std::stop_token& stop) { body({rank, work, stop}); });
      });
  std::vector<std::string> messages;
  for (const auto& outcome : outcomes) messages.push_back(message_of(outcome));
  return messages;
}

// Of a turn, longer than what goes along with the first question.
std::string text_of(int rank, int turn) {
  return std::string(static_cast<std::size_t>(1000 * rank), 'x') + std::to_string(turn);
}

// Works so long, in pieces of 50 ms.
void get_on_for(LongWork& work, milliseconds time) {
  for (const auto until = Clock::now() + time; Clock::now() < until; work.got_on()) {
    std::this_thread::sleep_for(milliseconds(50));
  }
}

TEST(LongWork, MeetsTheOtherRanksAsOftenAsItLikes) {
  for (const int ranks : {1, 2, 3}) {
    Told told{};
    std::array<std::vector<std::string>, kRanks> heard;
    const auto outcomes = work_on(ranks, told, [&](const OneRank& one) {
      for (int turn = 0; turn < 3; ++turn) {
        const auto texts = one.work.gather(text_of(one.rank, turn));
        ASSERT_EQ(texts.size(), static_cast<std::size_t>(ranks));
        for (int rank = 0; rank < ranks; ++rank) {
          EXPECT_EQ(texts[static_cast<std::size_t>(rank)], text_of(rank, turn));
        }
        heard[static_cast<std::size_t>(one.rank)].push_back(texts.front());
      }
    });
    EXPECT_THAT(outcomes, Each(""));
    EXPECT_THAT(heard[static_cast<std::size_t>(ranks) - 1], ElementsAre("0", "1", "2"));
  }
}

TEST(LongWork, WaitsForARankThatGetsOnWhateverTimeItTakes) {
  Told told{};
  const auto outcomes = work_on(kRanks, told, [&](const OneRank& one) {
    if (one.rank == 1) get_on_for(one.work, milliseconds(2500));
    one.work.gather("");
    if (one.rank == 2) get_on_for(one.work, milliseconds(2500));  // and at the end
  });
  EXPECT_THAT(outcomes, Each(""));
  for (const auto& times : told) EXPECT_EQ(times, 0);
}

// Another that gets on is no excuse for it.
TEST(LongWork, ThatStandsOnOneRankIsMetByAllWatchdogs) {
  Told told{};
  std::atomic<bool> all_told = false;
  const auto outcomes = work_on(kRanks, told, [&](const OneRank& one) {
    for (const auto until = Clock::now() + std::chrono::seconds(15);
         one.rank > 0 && !all_told && Clock::now() < until;) {
      std::this_thread::sleep_for(milliseconds(20));
      if (one.rank == 2) one.work.got_on();
      all_told = told[0] > 0 && told[1] > 0 && told[2] > 0;
    }
    one.work.gather("");
  });
  EXPECT_THAT(outcomes, Each(""));
  EXPECT_TRUE(all_told);
}

TEST(LongWork, EndsAtOnceWhereItFailsAndIsGivenUpElsewhere) {
  Told told{};
  std::atomic<bool> given_up = false;
  const auto outcomes = work_on(kRanks, told, [&](const OneRank& one) {
    if (one.rank == 1) throw Error(ErrorKind::bad_data, "no text");
    if (one.rank == 2) one.work.gather("");
    while (!one.stop.stop_requested()) get_on_for(one.work, milliseconds(50));
    given_up = true;
  });
  EXPECT_EQ(outcomes[1], "no text");
  EXPECT_THAT(outcomes[0], HasSubstr("rank 1 ended"));  // it starves
  EXPECT_TRUE(given_up);
}

TEST(LongWork, OfOneRankAloneIsNotWatched) {
  Told told{};
  const auto outcomes =
      work_on(1, told, [](const OneRank&) { std::this_thread::sleep_for(milliseconds(1600)); });
  EXPECT_THAT(outcomes, Each(""));
  EXPECT_EQ(told[0], 0);
}

}  // namespace
}  // namespace bertha::testing
