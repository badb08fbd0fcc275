// The reducer's order, its misuse, and what a failing rank does to it, with ranks as threads.
#include "parallel/gradient_reducer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/recorder.h"
#include "tests/support/thread_communicator.h"

namespace bertha {
namespace {

using bertha::testing::Fault;
using bertha::testing::message_of;
using bertha::testing::outcomes_of_thread_ranks;
using bertha::testing::Recorder;
using bertha::testing::run_thread_ranks;
using Precision = GradientReducer::Precision;

const std::vector<FlatRange> kParameters{{0, 10}, {10, 30}, {32, 40}, {40, 50}};
constexpr std::int64_t kTotal = 52;

BucketPlan one_bucket_each() {
  return plan_buckets(kParameters, kTotal, 1);
}

TEST(GradientReducer, KeepsBucketOrderWhateverIsReadyFirst) {
  run_thread_ranks(2, [](Communicator& communicator) {
    Recorder recorder(communicator);
    auto flat = at::ones({kTotal});
    GradientReducer reducer(recorder, flat, one_bucket_each(), Precision::fp32);
    reducer.begin();
    reducer.mark_ready(0);
    reducer.mark_ready(2);
    EXPECT_THAT(recorder.reduced, ::testing::IsEmpty()) << "nothing may overtake the first bucket";
    reducer.mark_ready(3);
    EXPECT_THAT(recorder.reduced, ::testing::ElementsAre(12, 8)) << "and then all that is complete";
    reducer.finish();
    EXPECT_THAT(recorder.reduced, ::testing::ElementsAre(12, 8, 22, 10));
    EXPECT_TRUE(flat.eq(2).all().item<bool>());
  });
}

TEST(GradientReducer, SumsOverThreeRanks) {
  run_thread_ranks(3, [](Communicator& communicator) {
    for (const auto precision : {Precision::fp32, Precision::bf16}) {
      auto flat = at::arange(kTotal, at::kFloat) + communicator.rank_info().rank;
      GradientReducer reducer(communicator, flat, one_bucket_each(), precision);
      reducer.begin();
      for (const int parameter : {3, 1, 0}) reducer.mark_ready(parameter);
      reducer.finish();
      EXPECT_TRUE(at::equal(flat, at::arange(kTotal, at::kFloat) * 3 + 3));
    }
  });
}

// What a rank does not own is spoilt, and nobody has to look at it.
TEST(GradientReducer, OwnersGetTheSumOfTheirRanges) {
  const std::vector<FlatRange> owned{{0, 35}, {35, 35}, {35, kTotal}};
  run_thread_ranks(3, [&](Communicator& communicator) {
    for (const auto precision : {Precision::fp32, Precision::bf16}) {
      Recorder recorder(communicator);
      const auto rank = static_cast<std::size_t>(communicator.rank_info().rank);
      auto flat = at::arange(kTotal, at::kFloat) + static_cast<double>(rank);
      GradientReducer reducer(recorder, flat, one_bucket_each(), precision, owned);
      reducer.begin();
      for (const int parameter : {3, 1, 0}) reducer.mark_ready(parameter);
      reducer.finish();
      const auto own = [&](const at::Tensor& of) {
        return of.slice(0, owned[rank].begin, owned[rank].end);
      };
      EXPECT_TRUE(at::equal(own(flat), own(at::arange(kTotal, at::kFloat) * 3 + 3)));
      EXPECT_THAT(recorder.calls, ::testing::Each("reduce_scatter"));
      EXPECT_THAT(recorder.reduced, ::testing::ElementsAre(12, 8, 22, 10));
    }
  });
}

TEST(GradientReducer, OneRankSendsNothing) {
  run_thread_ranks(1, [](Communicator& communicator) {
    Recorder recorder(communicator);
    auto flat = at::full({kTotal}, 1.001f);
    GradientReducer reducer(recorder, flat, one_bucket_each(), Precision::bf16);
    reducer.begin();
    reducer.mark_ready(3);
    reducer.finish();
    EXPECT_THAT(recorder.reduced, ::testing::IsEmpty());
    EXPECT_TRUE(flat.eq(1.001f).all().item<bool>());
  });
}

TEST(GradientReducer, MisuseIsNamed) {
  run_thread_ranks(1, [](Communicator& communicator) {
    auto flat = at::zeros({kTotal});
    GradientReducer reducer(communicator, flat, one_bucket_each(), Precision::fp32);
    EXPECT_THROW(reducer.mark_ready(0), Error);
    EXPECT_THROW(reducer.finish(), Error);
    reducer.begin();
    EXPECT_THROW(reducer.begin(), Error);
    EXPECT_THROW(reducer.mark_ready(-1), Error);
    EXPECT_THROW(reducer.mark_ready(4), Error);
    reducer.mark_ready(1);
    EXPECT_THROW(reducer.mark_ready(1), Error);
    EXPECT_THROW(GradientReducer(communicator, at::zeros({5}), one_bucket_each(), Precision::fp32),
                 Error);
    EXPECT_THROW(GradientReducer(communicator, at::zeros({kTotal}, at::kDouble), one_bucket_each(),
                                 Precision::fp32),
                 Error);
  });
}

// Rank 1 fails in its second collective: no rank may come away with a gradient.
TEST(GradientReducer, AFailingRankFailsEveryRank) {
  const auto outcomes = outcomes_of_thread_ranks(
      {.world_size = 3, .faults = {{.rank = 1, .call = 2}}}, [](Communicator& communicator) {
        auto flat = at::ones({kTotal});
        GradientReducer reducer(communicator, flat, one_bucket_each(), Precision::fp32);
        reducer.begin();
        reducer.finish();
      });
  EXPECT_EQ(message_of(outcomes.at(1)), "injected fault on rank 1, call 2");
  for (const std::size_t rank : {0, 2}) {
    EXPECT_EQ(message_of(outcomes.at(rank)),
              "rank " + std::to_string(rank) + ": rank 1 ended before collective 2");
  }
}

TEST(GradientReducer, ALateRankChangesNothing) {
  run_thread_ranks(
      {.world_size = 2, .faults = {{.rank = 0, .call = 1, .kind = Fault::Kind::delay}}},
      [](Communicator& communicator) {
        auto flat = at::ones({kTotal});
        GradientReducer reducer(communicator, flat, one_bucket_each(), Precision::fp32);
        reducer.begin();
        reducer.finish();
        EXPECT_TRUE(flat.eq(2).all().item<bool>());
      });
}

}  // namespace
}  // namespace bertha
