// Who holds up the job: every case of it, from heartbeats written by hand.
#include "parallel/heartbeat_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr HeartbeatTable::Clock::time_point kNow{seconds(1000)};

RankActivity in(const char* operation, std::uint64_t sequence, bool blocked = true) {
  return {.sequence = sequence,
          .bytes = 400,
          .idle_seconds = 5,
          .blocked = blocked,
          .operation = short_text(operation),
          .phase = short_text("forward")};
}

// What the table says when all were heard of just now; silence is four seconds.
std::string verdict(const std::vector<RankActivity>& ranks) {
  HeartbeatTable table(static_cast<int>(ranks.size()));
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    table.heard(static_cast<int>(rank), ranks[rank], kNow);
  }
  return table.held_up_by(kNow + seconds(1), seconds(4));
}

TEST(HeartbeatTable, NobodyIsBlamedWhereAllWaitInTheSamePlace) {
  EXPECT_EQ(verdict({in("all-reduce", 7), in("all-reduce", 7)}), "");
  EXPECT_EQ(verdict({in("all-reduce", 7, false), in("all-reduce", 7, false)}), "");
  EXPECT_EQ(HeartbeatTable(3).held_up_by(kNow, seconds(4)), "") << "nothing is known yet";
}

TEST(HeartbeatTable, NamesWhoHasNotArrived) {
  EXPECT_EQ(verdict({in("all-reduce", 7), in("gather", 6, false), in("all-reduce", 7)}),
            "the job stands at all-reduce #7 of 400 bytes: rank 1 has not arrived: in phase "
            "\"forward\" for 5 s, after gather #6 of 400 bytes");
}

// A rank that began the collective and went on computing holds up those that wait for its end.
TEST(HeartbeatTable, WhoComputesHoldsUpWhoWaits) {
  EXPECT_THAT(verdict({in("all-reduce", 7), in("all-reduce", 7, false)}),
              AllOf(HasSubstr("rank 1 has not arrived"), Not(HasSubstr("rank 0"))));
}

TEST(HeartbeatTable, NamesRanksInDifferentCollectives) {
  EXPECT_THAT(verdict({in("all-reduce", 7), in("broadcast", 7)}), HasSubstr("is elsewhere: in "));
}

TEST(HeartbeatTable, TheWorstComesFirst) {
  HeartbeatTable table(4);
  table.heard(0, in("gather", 9), kNow);
  table.heard(1, in("gather", 8), kNow);         // waits in the one before
  table.heard(2, in("gather", 8, false), kNow);  // computes
  table.heard(3, in("gather", 8), kNow - seconds(60));
  EXPECT_THAT(table.held_up_by(kNow, seconds(4)),
              ::testing::MatchesRegex(".*: rank 3 silent for 60 s \\(stopped or dead\\).*; rank 2 "
                                      "has not arrived.*; rank 1 still waits in gather #8.*"));
}

TEST(HeartbeatTable, AWholeNodeThatIsGoneIsCounted) {
  HeartbeatTable table(20);
  table.heard(0, in("gather", 1), kNow);
  EXPECT_THAT(table.held_up_by(kNow, seconds(4)),
              AllOf(HasSubstr("rank 8 was never heard of"), Not(HasSubstr("rank 9 ")),
                    HasSubstr("; and 11 more")));
}

TEST(HeartbeatTable, RanksThatDoNotExistAreIgnored) {
  HeartbeatTable table(1);
  table.heard(-1, in("gather", 1), kNow);
  table.heard(1, in("gather", 1), kNow);
  EXPECT_EQ(table.held_up_by(kNow, seconds(4)), "");
}

}  // namespace
}  // namespace bertha
