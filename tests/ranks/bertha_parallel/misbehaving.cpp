// Tests that go wrong on purpose, one at a time (--gtest_filter): the suite must turn red, with a
// name for what happened. Run by bertha_rank_failure in tests/CMakeLists.txt.
#include <chrono>
#include <csignal>
#include <thread>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "parallel/mpi_environment.h"
#include "tests/support/rank_communicator.h"

namespace bertha::testing {
namespace {

bool is_rank_one() {
  return process_rank_info().rank == 1;
}

TEST(Misbehaving, FailsOnRankOne) {
  const auto communicator = rank_communicator();
  EXPECT_EQ(communicator->gather_bytes("x").size(), 2);
  EXPECT_FALSE(is_rank_one()) << "on purpose";
}

TEST(Misbehaving, ThrowsOnRankOne) {
  const auto communicator = rank_communicator();
  if (is_rank_one()) throw Error(ErrorKind::io, "on purpose");
}

TEST(Misbehaving, RunsNothingOnRankOne) {
  if (is_rank_one()) GTEST_SKIP();
}

// Rank 1 never arrives in the collective.
TEST(Misbehaving, HangsOnRankOne) {
  const auto communicator = rank_communicator();
  if (is_rank_one()) std::this_thread::sleep_for(std::chrono::hours(1));
  communicator->all_reduce(at::ones({1000}), ReduceOp::sum)->wait();
}

// A rank dies in the middle of a run of collectives, as by the kernel's out-of-memory killer.
TEST(Misbehaving, DiesOnRankOne) {
  const auto communicator = rank_communicator();
  for (int step = 0; step < 1000000; ++step) {
    if (step == 100 && is_rank_one()) std::raise(SIGKILL);
    communicator->all_reduce(at::ones({1000}), ReduceOp::sum)->wait();
  }
}

// One rank ends the job for all, while the other one waits for it.
TEST(Misbehaving, AbortsOnRankOne) {
  const auto communicator = rank_communicator();
  if (is_rank_one()) communicator->abort(65);
  communicator->gather_bytes("x");
}

// A failing rank leaves its transfers behind instead of waiting for ranks that do not come.
TEST(Misbehaving, UnwindsWithTransfersUnderWay) {
  const auto communicator = rank_communicator();
  if (is_rank_one()) {
    try {
      const auto work = communicator->all_reduce(at::ones({1 << 20}), ReduceOp::sum);
      throw Error(ErrorKind::bad_data, "on purpose");
    } catch (const Error& error) {
      communicator->abort(error.exit_code());
    }
  }
  std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace
}  // namespace bertha::testing
