// Collectives in parts of any size against plain MPI, and the order in which the MPI communicator
// adds up: the same however a tensor is cut.
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/base/error.h"
#include "tests/support/rank_communicator.h"
#include "tests/support/rank_numbers.h"

namespace bertha::testing {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong};
// MPI adds up no bfloat16; collectives_ranks.cpp does.
constexpr at::ScalarType kMovedTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong,
                                          at::kBFloat16};

class Parts : public ::testing::TestWithParam<std::int64_t> {
 protected:
  std::unique_ptr<Communicator> communicator_ = rank_communicator(GetParam());
};

// Parts of any size, none included, whose sum is not the same for every number of ranks.
std::vector<std::int64_t> uneven_parts(std::int64_t salt) {
  std::vector<std::int64_t> parts;
  for (int owner = 0; owner < world(); ++owner) {
    parts.push_back((owner + salt) % 3 == 0 ? 0 : (owner * 97 + salt * 31) % 210);
  }
  return parts;
}

struct MpiCut {
  std::vector<int> counts, offsets;
  std::int64_t total = 0;
};
MpiCut mpi_cut(const std::vector<std::int64_t>& parts) {
  MpiCut cut;
  for (const auto size : parts) {
    cut.offsets.push_back(static_cast<int>(cut.total));
    cut.counts.push_back(static_cast<int>(size));
    cut.total += size;
  }
  return cut;
}

at::Tensor part_of_rank(const at::Tensor& values, const MpiCut& cut) {
  const auto r = static_cast<std::size_t>(rank());
  return values.slice(0, cut.offsets[r], cut.offsets[r] + cut.counts[r]);
}

TEST_P(Parts, ReduceScatterEqualsPlainMpi) {
  for (std::int64_t salt = 0; salt < 5; ++salt) {
    const auto parts = uneven_parts(salt);
    const auto cut = mpi_cut(parts);
    for (const auto type : kTypes) {
      const auto values = numbers(cut.total, type, salt);
      auto expected = at::empty_like(part_of_rank(values, cut));
      MPI_Reduce_scatter(values.data_ptr(), expected.data_ptr(), cut.counts.data(),
                         oracle_type(type), MPI_SUM, MPI_COMM_WORLD);
      communicator_->reduce_scatter(values, parts)->wait();
      EXPECT_TRUE(same(part_of_rank(values, cut), expected)) << c10::toString(type) << ", " << salt;
    }
  }
}

TEST_P(Parts, AllGatherEqualsPlainMpi) {
  for (std::int64_t salt = 0; salt < 5; ++salt) {
    const auto parts = uneven_parts(salt);
    const auto cut = mpi_cut(parts);
    for (const auto type : kMovedTypes) {
      const auto values = numbers(cut.total, type, salt);
      auto expected = at::empty_like(values);
      const auto mine = part_of_rank(values, cut).clone();
      const auto moved = type == at::kBFloat16 ? MPI_UINT16_T : oracle_type(type);
      MPI_Allgatherv(mine.data_ptr(), static_cast<int>(mine.numel()), moved, expected.data_ptr(),
                     cut.counts.data(), cut.offsets.data(), moved, MPI_COMM_WORLD);
      communicator_->all_gather(values, parts)->wait();
      EXPECT_TRUE(same(values, expected)) << c10::toString(type) << ", " << salt;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(ChunkElements, Parts, ::testing::Values(1, 13, 1 << 28));

// Numbers whose sum depends on the order: an all-reduce and a reduce-scatter, however it is cut,
// add them up in the order of the ranks.
TEST(OrderOfAdditions, IsThatOfTheRanks) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    for (const std::int64_t size : {5, 1000, 100'003}) {
      const auto communicator = rank_communicator(size / 3 + 1);
      const auto places = at::arange(size, at::kDouble);
      const auto mine =
          ((places * 0.731 + rank() * 1.37).sin() * (places * 3.1).cos().mul(12).exp()).to(type);
      const auto all = gathered(mine);
      auto expected = all[0].clone();
      for (int other = 1; other < world(); ++other) expected = expected + all[other];
      if (world() > 2 && size > 5) {
        auto backwards = all[world() - 1].clone();
        for (int other = world() - 2; other >= 0; --other) backwards = backwards + all[other];
        EXPECT_FALSE(at::equal(backwards, expected)) << "the numbers show nothing";
      }
      auto reduced = mine.clone();
      communicator->all_reduce(reduced, ReduceOp::sum)->wait();
      EXPECT_TRUE(same(reduced, expected)) << size;
      for (std::int64_t owner = 0; owner < world(); ++owner) {  // who gets it all but one element
        auto values = mine.clone();
        std::vector<std::int64_t> parts(static_cast<std::size_t>(world()), 0);
        parts.front() += 1;
        parts[static_cast<std::size_t>(owner)] += size - 1;
        communicator->reduce_scatter(values, parts)->wait();
        const auto cut = mpi_cut(parts);
        EXPECT_TRUE(same(part_of_rank(values, cut), part_of_rank(expected, cut))) << size;
      }
    }
  }
}

TEST(PartsThatDoNotFit, AreRefused) {
  const auto communicator = rank_communicator();
  std::vector<std::int64_t> parts(static_cast<std::size_t>(world()), 3);
  EXPECT_THROW(communicator->reduce_scatter(at::ones({3 * world() + 1}), parts), Error);
  parts.push_back(1);
  EXPECT_THROW(communicator->all_gather(at::ones({3 * world() + 1}), parts), Error);
  parts.assign(static_cast<std::size_t>(world()), 0);
  parts.front() = -1;
  EXPECT_THROW(communicator->all_gather(at::ones({3}).slice(0, 0, 0), parts), Error);
}

}  // namespace
}  // namespace bertha::testing
