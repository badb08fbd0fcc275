// The test double itself: the same answers as arithmetic by hand, and it does not hang.
#include "tests/support/thread_communicator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha::testing {
namespace {

TEST(ThreadCommunicator, Collectives) {
  run_thread_ranks(3, [](Communicator& communicator) {
    const int rank = communicator.rank_info().rank;
    auto values = at::full({4}, rank + 1, at::kInt);
    communicator.all_reduce(values, ReduceOp::sum)->wait();
    EXPECT_TRUE(values.eq(6).all().item<bool>());
    values.fill_(rank);
    communicator.all_reduce(values, ReduceOp::max)->wait();
    EXPECT_TRUE(values.eq(2).all().item<bool>());

    const auto whole = at::arange(6, at::kFloat) * (rank + 1);  // sums to 6 * arange
    const auto part = whole.slice(0, rank * 2, rank * 2 + 2);
    const std::vector<std::int64_t> equal(3, 2);
    communicator.reduce_scatter(whole, equal)->wait();
    EXPECT_TRUE(at::equal(part, at::arange(rank * 2, rank * 2 + 2, at::kFloat) * 6));
    communicator.all_gather(whole, equal)->wait();
    EXPECT_TRUE(at::equal(whole, at::arange(6, at::kFloat) * 6));

    const std::vector<std::int64_t> parts{4, 0, 2};
    const std::int64_t begins[] = {0, 4, 4};
    const auto at_part = [&](const at::Tensor& of) {
      return of.narrow(0, begins[rank], parts[static_cast<std::size_t>(rank)]);
    };
    const auto uneven = at::arange(6, at::kFloat) * (rank + 1);
    communicator.reduce_scatter(uneven, parts)->wait();
    EXPECT_TRUE(at::equal(at_part(uneven), at_part(at::arange(6, at::kFloat) * 6)));
    EXPECT_TRUE(rank == 0 || uneven[0].isnan().item<bool>()) << "what nobody may rely on";
    communicator.all_gather(uneven, parts)->wait();
    EXPECT_TRUE(at::equal(uneven, at::arange(6, at::kFloat) * 6));

    auto text = at::full({2}, rank, at::kLong);
    communicator.broadcast(text, 1);
    EXPECT_TRUE(text.eq(1).all().item<bool>());
    EXPECT_THAT(communicator.gather_bytes(std::string(static_cast<std::size_t>(rank), 'x')),
                ::testing::ElementsAre("", "x", "xx"));
  });
}

TEST(ThreadCommunicator, BuffersAreUselessBeforeWait) {
  run_thread_ranks(2, [](Communicator& communicator) {
    auto values = at::ones({3});
    const auto work = communicator.all_reduce(values, ReduceOp::sum);
    EXPECT_TRUE(values.isnan().all().item<bool>());
    work->wait();
    EXPECT_TRUE(values.eq(2).all().item<bool>());
  });
}

TEST(ThreadCommunicator, DifferentCallsAreAnError) {
  const auto outcomes =
      outcomes_of_thread_ranks({.world_size = 2, .faults = {}}, [](Communicator& communicator) {
        auto values = at::ones({communicator.rank_info().rank == 0 ? 3 : 4});
        communicator.all_reduce(values, ReduceOp::sum)->wait();
      });
  for (const auto& outcome : outcomes) {
    EXPECT_THAT(message_of(outcome), ::testing::HasSubstr("all_reduce(0) of 3 Float"));
  }
}

TEST(ThreadCommunicator, WhoWaitsForNobodyIsTold) {
  const auto gone =
      outcomes_of_thread_ranks({.world_size = 2, .faults = {}}, [](Communicator& communicator) {
        if (communicator.rank_info().rank == 0) return;
        communicator.gather_bytes("");
      });
  EXPECT_EQ(message_of(gone.at(1)), "rank 1: rank 0 ended before collective 1");
}

TEST(ThreadCommunicator, TheFirstErrorIsThrown) {
  const auto body = [](Communicator& communicator) {
    for (int i = 0; i < 5; ++i) communicator.gather_bytes("");
  };
  try {
    run_thread_ranks({.world_size = 4, .faults = {{.rank = 2, .call = 3}}}, body);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "injected fault on rank 2, call 3");
    EXPECT_EQ(error.kind(), ErrorKind::communication);
  }
}

}  // namespace
}  // namespace bertha::testing
