// What the ranks agree on in a step, and how ranks that are not together are told, with ranks as
// threads.
#include "trainer/step_agreement.h"

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using bertha::testing::message_of;
using bertha::testing::outcomes_of_thread_ranks;
using bertha::testing::run_thread_ranks;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::int64_t> kBuckets{900, 500, 100};

// What every rank says of it; all of them fail with 76.
std::vector<std::string> messages(int ranks, const std::function<void(Communicator&)>& body) {
  std::vector<std::string> texts;
  for (const auto& outcome : outcomes_of_thread_ranks({.world_size = ranks, .faults = {}}, body)) {
    texts.push_back(message_of(outcome));
    try {
      if (outcome) std::rethrow_exception(outcome);
      ADD_FAILURE() << "a rank went on";
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 76) << error.message();
    }
  }
  return texts;
}

StepOutcome outcome_of(std::vector<double> sums) {
  StepOutcome outcome;
  outcome.sums = std::move(sums);
  return outcome;
}

TEST(StepAgreement, AddsUpTheGlobalBatch) {
  run_thread_ranks(3, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    const LocalBatch local{{10.0 + rank, 2, 100, 0.5 * rank}, static_cast<std::size_t>(2 * rank)};
    const auto batch = agree_on_batch(communicator, local, {7, kBuckets});
    EXPECT_EQ(batch.totals.predictions, 33);
    EXPECT_EQ(batch.totals.sequences, 6);
    EXPECT_EQ(batch.totals.tokens, 300);
    EXPECT_EQ(batch.totals.labels, 1.5);
    EXPECT_THAT(batch.micro_batches_by_rank, ElementsAre(0, 2, 4));
  });
}

TEST(StepAgreement, AddsUpOutcomes) {
  run_thread_ranks(3, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    // Rows of two with ranks 0 and 2, none with rank 1. (1e17 + 1) - 1e17 is 0 in doubles.
    const std::vector<std::vector<double>> sums{{1e17, 1, 1, 2}, {}, {-1e17, 4}};
    auto mine = outcome_of(sums[static_cast<std::size_t>(rank)]);
    mine.flops = 10;
    mine.stop_wanted = rank == 1;
    mine.gradient_squares = 3.5 + rank;
    mine.work_seconds = {1.0 + rank};
    const auto agreed = agree_on_outcome(communicator, mine, 7, 2);
    EXPECT_THAT(agreed.sums, ElementsAre(0, 7));
    EXPECT_EQ(agreed.flops, 30);
    EXPECT_TRUE(agreed.stop_wanted);
    EXPECT_EQ(agreed.gradient_squares, 3.5 + 4.5 + 5.5);
    EXPECT_THAT(agreed.work_seconds, ElementsAre(1, 2, 3));
    EXPECT_EQ(agreed.broken_rank, -1);
  });
}

TEST(StepAgreement, TheFirstRankWithoutAFiniteLossIsNamed) {
  run_thread_ranks(4, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    const auto agreed =
        agree_on_outcome(communicator, outcome_of({1, rank >= 2 ? std::nan("") : 1.0}), 7, 2);
    EXPECT_EQ(agreed.broken_rank, 2);
  });
}

TEST(StepAgreement, AnotherStepIsToldWithBoth) {
  EXPECT_THAT(messages(3,
                       [](Communicator& communicator) {
                         const int rank = communicator.rank_info().rank;
                         agree_on_batch(communicator, {}, {rank == 1 ? 8 : 7, kBuckets});
                       }),
              Each("the ranks are out of step: rank 0 is at the start of step 8, rank 1 at the "
                   "start of step 9"));
  EXPECT_THAT(messages(2,
                       [](Communicator& communicator) {
                         const int rank = communicator.rank_info().rank;
                         agree_on_outcome(communicator, outcome_of({1, 2}), rank == 0 ? 41 : 40, 2);
                       }),
              Each("the ranks are out of step: rank 0 is at the end of step 42, rank 1 at the end "
                   "of step 41"));
}

// Rows of the start hold nine numbers, so do those of the end with three sums.
TEST(StepAgreement, TheOtherEndOfAStepIsToldWithBoth) {
  for (const std::size_t width : {3, 7}) {
    EXPECT_THAT(
        messages(2,
                 [&](Communicator& communicator) {
                   if (communicator.rank_info().rank == 0) {
                     agree_on_batch(communicator, {}, {7, kBuckets});
                   } else {
                     const std::vector<double> sums(width, 1.0);
                     agree_on_outcome(communicator, outcome_of(sums), 6, width);
                   }
                 }),
        Each("the ranks are out of step: rank 0 is at the start of step 8, rank 1 at the end of "
             "step 7"));
  }
}

// A rank at another point of the program gives another number of bytes.
TEST(StepAgreement, AnotherPlaceOfTheProgramIsTold) {
  for (const int elsewhere : {0, 2}) {
    const auto outcomes =
        outcomes_of_thread_ranks({.world_size = 3, .faults = {}}, [&](Communicator& communicator) {
          if (communicator.rank_info().rank == elsewhere) {
            gather_doubles(communicator, std::vector<double>{1, 2, 3, 4});
          } else {
            agree_on_batch(communicator, {}, {7, kBuckets});
          }
        });
    const std::string expected =
        elsewhere == 0 ? "rank 0 is elsewhere in the program (4 numbers came from it), rank 1 at "
                         "the start of step 8"
                       : "rank 0 is at the start of step 8, rank 2 elsewhere in the program (4 "
                         "numbers came from it)";
    for (const int rank : {0, 1, 2}) {
      if (rank == elsewhere) continue;
      EXPECT_EQ(message_of(outcomes.at(static_cast<std::size_t>(rank))),
                "the ranks are out of step: " + expected);
    }
  }
}

TEST(StepAgreement, OtherBucketsAreToldWithTheFirstThatDiffers) {
  const auto cut = [](std::vector<std::int64_t> of_rank_two) {
    return messages(3, [of_rank_two](Communicator& communicator) {
      const auto& ends = communicator.rank_info().rank == 2 ? of_rank_two : kBuckets;
      agree_on_batch(communicator, {}, {7, ends});
    });
  };
  EXPECT_THAT(cut({900, 400, 100}),
              Each("the ranks cut the gradient differently: into 3 buckets on rank 0, into 3 on "
                   "rank 2; bucket 2 ends at element 500 on rank 0 and ends at element 400 on "
                   "rank 2"));
  EXPECT_THAT(cut({900, 500}), Each(AllOf(HasSubstr("into 3 buckets on rank 0, into 2 on rank 2"),
                                          HasSubstr("bucket 3 ends at element 100 on rank 0 and "
                                                    "does not exist on rank 2"))));
}

}  // namespace
}  // namespace bertha
