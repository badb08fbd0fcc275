// Agreement with ranks as threads: kinds of failure, and the wording of differences.
#include "parallel/agreement.h"

#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using bertha::testing::message_of;
using bertha::testing::outcomes_of_thread_ranks;
using bertha::testing::run_thread_ranks;

// Messages of all ranks when `work` runs under agree_or_throw.
std::vector<std::string> messages(int world_size, const std::function<void(int)>& work) {
  const auto outcomes = outcomes_of_thread_ranks(
      {.world_size = world_size, .faults = {}}, [&](Communicator& communicator) {
        agree_or_throw(communicator, [&] { work(communicator.rank_info().rank); });
      });
  std::vector<std::string> texts;
  for (const auto& outcome : outcomes) texts.push_back(message_of(outcome));
  return texts;
}

TEST(AgreeOrThrow, PassesWhenNobodyFails) {
  EXPECT_THAT(messages(3, [](int) {}), ::testing::Each(""));
}

TEST(AgreeOrThrow, OneFailsAllThrow) {
  EXPECT_THAT(messages(3,
                       [](int rank) {
                         if (rank == 2) throw Error(ErrorKind::bad_data, "shard 2 is torn");
                       }),
              ::testing::Each("rank 2: shard 2 is torn"));
  EXPECT_THAT(messages(3,
                       [](int rank) {
                         if (rank > 0) throw std::runtime_error("no " + std::to_string(rank));
                       }),
              ::testing::Each("rank 1: no 1"));
  EXPECT_THAT(messages(2,
                       [](int rank) {
                         if (rank == 1) throw std::bad_alloc();
                       }),
              ::testing::Each("rank 1: out of memory"));
}

TEST(AgreeOrThrow, WhatFailsEverywhereIsNobodysOwnFailure) {
  const auto fails = [](int) { throw Error(ErrorKind::io, "cannot open corpus", "check", "a:1"); };
  EXPECT_THAT(messages(3, fails), ::testing::Each("cannot open corpus"));
  EXPECT_THAT(messages(1, fails), ::testing::Each("cannot open corpus"));
}

TEST(AgreeOrThrow, NestedAgreementNamesTheRankOnce) {
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 2, .faults = {}}, [](Communicator& communicator) {
        agree_or_throw(communicator, [&] {
          agree_or_throw(communicator, [&] {
            if (communicator.rank_info().rank == 1) throw Error(ErrorKind::io, "disk full");
          });
        });
      });
  for (const auto& outcome : outcomes) EXPECT_EQ(message_of(outcome), "rank 1: disk full");
}

TEST(AgreeSum, IsInRankOrderAndKeepsNan) {
  run_thread_ranks(3, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    // (1e17 + 1) - 1e17 is 0 in doubles: another order would give 1.
    const double big[] = {1e17, 1.0, -1e17};
    const double mine[] = {big[rank], rank == 1 ? std::nan("") : 1.0};
    const auto sum = agree_sum(communicator, mine);
    EXPECT_EQ(sum.at(0), 0.0);
    EXPECT_TRUE(std::isnan(sum.at(1)));
    EXPECT_TRUE(agree_sum(communicator, {}).empty());
  });
}

TEST(AgreeSum, DifferentCountsAreAnError) {
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 2, .faults = {}}, [](Communicator& communicator) {
        const std::vector<double> mine(communicator.rank_info().rank == 0 ? 2 : 3, 1.0);
        agree_sum(communicator, mine);
      });
  for (const auto& outcome : outcomes)
    EXPECT_THAT(message_of(outcome), ::testing::HasSubstr("rank 1 gave 3 numbers, rank 0 2"));
}

TEST(RequireEqual, NamesTheFirstDifferingLine) {
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 3, .faults = {}}, [](Communicator& communicator) {
        const bool odd = communicator.rank_info().rank == 1;
        require_equal(communicator, "the corpus", odd ? "a\nb\nc" : "a\nB\nc");
      });
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(message_of(outcome),
              "the ranks differ in the corpus: rank 0 has \"B\", rank 1 has \"b\"");
  }
}

TEST(RequireEqual, OneTextMayBeginTheOther) {
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 2, .faults = {}}, [](Communicator& communicator) {
        require_equal(communicator, "x", communicator.rank_info().rank == 0 ? "a\n" : "a\nb\n");
      });
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(message_of(outcome), "the ranks differ in x: rank 0 has \"\", rank 1 has \"b\"");
  }
}

}  // namespace
}  // namespace bertha
