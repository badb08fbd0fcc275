// Agreement over real ranks: one failing rank makes all throw the same error.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/agreement.h"
#include "parallel/base/error.h"
#include "parallel/mpi_environment.h"
#include "tests/support/rank_communicator.h"

namespace {

int mpi_calls = 0;  // of the two below

}  // namespace

// In place of the library's, to count what our code calls.
extern "C" int MPI_Allgather(const void* send, int send_count, MPI_Datatype send_type,
                             void* receive, int receive_count, MPI_Datatype receive_type,
                             MPI_Comm comm) {
  ++mpi_calls;
  return PMPI_Allgather(send, send_count, send_type, receive, receive_count, receive_type, comm);
}

extern "C" int MPI_Allgatherv(const void* send, int send_count, MPI_Datatype send_type,
                              void* receive, const int* counts, const int* offsets,
                              MPI_Datatype receive_type, MPI_Comm comm) {
  ++mpi_calls;
  return PMPI_Allgatherv(send, send_count, send_type, receive, counts, offsets, receive_type, comm);
}

namespace bertha::testing {
namespace {

int rank() {
  return process_rank_info().rank;
}

int world() {
  return process_rank_info().world_size;
}

TEST(Agreement, TheLowestFailingRankSpeaksForAll) {
  const auto communicator = rank_communicator();
  for (int failing = 0; failing < world(); ++failing) {
    std::string said;
    try {
      agree_or_throw(*communicator, [&] {
        if (rank() < failing) return;
        throw Error(ErrorKind::io, "cannot write shard " + std::to_string(rank()), "free space",
                    "shard.cpp:" + std::to_string(rank()));
      });
    } catch (const Error& error) {
      said = error.message();
      EXPECT_EQ(error.kind(), ErrorKind::io);
      EXPECT_EQ(error.remedy(), "free space");
      EXPECT_EQ(error.where(), "shard.cpp:" + std::to_string(failing));
    }
    EXPECT_THAT(said, ::testing::EndsWith("cannot write shard " + std::to_string(failing)));
    if (world() > 1) {
      EXPECT_THAT(said, ::testing::StartsWith("rank " + std::to_string(failing)));
    }
  }
  agree_or_throw(*communicator, [] {});
}

TEST(Agreement, SumsAreTheSameEverywhere) {
  const auto communicator = rank_communicator();
  const std::vector<double> mine{1.0 + rank(), -1.5 * rank()};
  const auto sum = agree_sum(*communicator, mine);
  EXPECT_EQ(sum.at(0), world() * (world() + 1) / 2);
  EXPECT_EQ(sum.at(1), -1.5 * world() * (world() - 1) / 2);
}

// What is agreed on in every step is as short as that: unit.bertha_trainer, TrainStep.
TEST(Agreement, OfFewBytesTakesOneMpiCall) {
  const auto communicator = rank_communicator();
  const auto calls_for = [&](std::size_t bytes) {
    const int before = mpi_calls;
    communicator->gather_bytes(std::string(bytes, 'x'));
    return mpi_calls - before;
  };
  EXPECT_EQ(calls_for(0), 1);
  EXPECT_EQ(calls_for(72), 1);
  EXPECT_EQ(calls_for(248), 1);
  EXPECT_EQ(calls_for(249), 2);
}

TEST(Agreement, DifferingTextsAreNamed) {
  const auto communicator = rank_communicator();
  require_equal(*communicator, "the configuration", "[train]\nseed = 1\n");
  if (world() == 1) return;
  const std::string mine = rank() == world() - 1 ? "[train]\nseed = 2\n" : "[train]\nseed = 1\n";
  try {
    require_equal(*communicator, "the configuration", mine);
    ADD_FAILURE() << "different texts passed";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(error.message(),
              "the ranks differ in the configuration: rank 0 has \"seed "
              "= 1\", rank " +
                  std::to_string(world() - 1) + " has \"seed = 2\"");
  }
}

}  // namespace
}  // namespace bertha::testing
