// Every collective of the MPI communicator against plain blocking MPI calls on copies of the data:
// all types, odd sizes, cut into chunks and whole. In parts of different sizes: parts_ranks.cpp.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/base/error.h"
#include "parallel/mpi_environment.h"
#include "tests/support/large_transfers.h"
#include "tests/support/rank_communicator.h"
#include "tests/support/rank_numbers.h"

namespace bertha::testing {
namespace {

constexpr std::int64_t kSizes[] = {0, 1, 2, 3, 7, 64, 1000, 4097, 100003};
constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong};

std::vector<std::int64_t> equal_parts(std::int64_t size) {
  return std::vector(static_cast<std::size_t>(world()), size);
}

class Collectives : public ::testing::TestWithParam<std::int64_t> {
 protected:
  std::unique_ptr<Communicator> communicator_ = rank_communicator(GetParam());
};

TEST_P(Collectives, AllReduceEqualsPlainMpi) {
  const std::pair<ReduceOp, MPI_Op> operations[] = {
      {ReduceOp::sum, MPI_SUM}, {ReduceOp::max, MPI_MAX}, {ReduceOp::min, MPI_MIN}};
  for (const auto size : kSizes) {
    if (size / GetParam() > 5000) continue;  // thousands of tiny transfers show nothing new
    for (const auto type : kTypes) {
      for (const auto& [op, mpi_op] : operations) {
        const auto mine = numbers(size, type);
        auto expected = at::empty_like(mine);
        MPI_Allreduce(mine.data_ptr(), expected.data_ptr(), static_cast<int>(size),
                      oracle_type(type), mpi_op, MPI_COMM_WORLD);
        const auto reduced = mine.clone();
        communicator_->all_reduce(reduced, op)->wait();
        EXPECT_TRUE(same(reduced, expected)) << size << " of " << c10::toString(type);
      }
    }
  }
}

TEST_P(Collectives, AllToAllEqualsPlainMpi) {
  for (const auto size : kSizes) {
    if (size / GetParam() > 1000) continue;
    for (const auto type : kTypes) {
      const auto input = numbers(size * world(), type);
      auto expected = at::empty_like(input);
      MPI_Alltoall(input.data_ptr(), static_cast<int>(size), oracle_type(type), expected.data_ptr(),
                   static_cast<int>(size), oracle_type(type), MPI_COMM_WORLD);
      const auto output = at::full_like(input, -1);
      const auto untouched = input.clone();
      communicator_->all_to_all(input, output)->wait();
      EXPECT_TRUE(same(output, expected)) << size << " of " << c10::toString(type);
      EXPECT_TRUE(same(input, untouched));
    }
  }
}

TEST_P(Collectives, ReduceScatterEqualsPlainMpi) {
  for (const auto size : kSizes) {
    if (size / GetParam() > 1000) continue;
    for (const auto type : kTypes) {
      const auto input = numbers(size * world(), type);
      auto expected = at::empty({size}, input.options());
      MPI_Reduce_scatter_block(input.data_ptr(), expected.data_ptr(), static_cast<int>(size),
                               oracle_type(type), MPI_SUM, MPI_COMM_WORLD);
      const auto values = input.clone();
      communicator_->reduce_scatter(values, equal_parts(size))->wait();
      EXPECT_TRUE(same(values.slice(0, rank() * size, (rank() + 1) * size), expected))
          << size << " of " << c10::toString(type);
    }
  }
}

TEST_P(Collectives, AllGatherEqualsPlainMpi) {
  for (const auto size : kSizes) {
    if (size / GetParam() > 1000) continue;
    for (const auto type : kTypes) {
      const auto input = numbers(size, type);
      auto expected = at::empty({size * world()}, input.options());
      MPI_Allgather(input.data_ptr(), static_cast<int>(size), oracle_type(type),
                    expected.data_ptr(), static_cast<int>(size), oracle_type(type), MPI_COMM_WORLD);
      const auto values = at::full({size * world()}, -2, input.options());
      values.slice(0, rank() * size, (rank() + 1) * size).copy_(input);
      communicator_->all_gather(values, equal_parts(size))->wait();
      EXPECT_TRUE(same(values, expected)) << size << " of " << c10::toString(type);
    }
  }
}

TEST_P(Collectives, BroadcastComesFromEveryRoot) {
  for (const auto size : kSizes) {
    if (size / GetParam() > 5000) continue;
    for (int root = 0; root < world(); ++root) {
      const auto values = numbers(size, at::kBFloat16, 3);
      auto expected = values.clone();
      MPI_Bcast(expected.data_ptr(), static_cast<int>(size), MPI_UINT16_T, root, MPI_COMM_WORLD);
      communicator_->broadcast(values, root);
      EXPECT_TRUE(same(values, expected)) << size << " from " << root;
    }
  }
}

TEST_P(Collectives, GatherBytesKeepsLengthsAndContents) {
  const auto text_of = [](int of_rank, std::size_t length) {
    std::string text(length, '\0');
    for (std::size_t i = 0; i < length; ++i) {
      text[i] = static_cast<char>((i * 7 + static_cast<std::size_t>(of_rank)) & 0xff);
    }
    return text;
  };
  // Lengths differ by rank; one round has an empty-handed last rank, one is empty everywhere.
  const auto round = [](std::size_t number, int of_rank) -> std::size_t {
    const auto r = static_cast<std::size_t>(of_rank);
    // 248 bytes go along with the lengths.
    const std::size_t lengths[] = {5, r,       of_rank == world() - 1 ? 0 : 100 - r,
                                   0, 247 + r, r * 2049 % 4099};
    return lengths[number];
  };
  for (std::size_t number = 0; number < 6; ++number) {
    const auto texts = communicator_->gather_bytes(text_of(rank(), round(number, rank())));
    ASSERT_EQ(texts.size(), static_cast<std::size_t>(world()));
    for (int other = 0; other < world(); ++other) {
      EXPECT_EQ(texts[static_cast<std::size_t>(other)], text_of(other, round(number, other)))
          << "from rank " << other;
    }
  }
}

TEST_P(Collectives, ManyUnderWayAtOnce) {
  std::vector<at::Tensor> values;
  std::vector<std::unique_ptr<Work>> works;
  for (int i = 0; i < 20; ++i) {
    values.push_back(at::full({i * 13}, rank() + i, at::kFloat));
    works.push_back(communicator_->all_reduce(values.back(), ReduceOp::sum));
    works[static_cast<std::size_t>(i / 2)]->progress();
  }
  communicator_->gather_bytes("between");
  for (auto& work : works) work->wait();
  const int ranks_sum = world() * (world() - 1) / 2;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(values[static_cast<std::size_t>(i)].eq(ranks_sum + i * world()).all().item<bool>());
  }
}

// A rank may wait before it makes the next call, or after it.
TEST_P(Collectives, RanksWaitWhenTheyLike) {
  const auto values = at::full({1000}, 1.0f), more = at::full({1000}, 2.0f);
  const auto first = communicator_->all_reduce(values, ReduceOp::sum);
  const auto second = communicator_->all_reduce(more, ReduceOp::sum);
  if (rank() % 3 == 0) first->wait();
  if (rank() % 3 == 1) second->wait();
  communicator_->gather_bytes("between");
  auto root = at::full({10}, rank());
  communicator_->broadcast(root, world() - 1);
  EXPECT_TRUE(root.eq(world() - 1).all().item<bool>());
  first->wait();
  second->wait();
  EXPECT_TRUE(values.eq(world()).all().item<bool>());
  EXPECT_TRUE(more.eq(2 * world()).all().item<bool>());
}

// Every rank is late once. Clocks of one machine tell the same time in all processes.
TEST(Barrier, NobodyLeavesBeforeTheLastHasCome) {
  using Clock = std::chrono::steady_clock;
  const auto of_all_ranks = [](Clock::time_point time) {
    const std::int64_t mine = time.time_since_epoch().count();
    std::vector<std::int64_t> all(static_cast<std::size_t>(world()));
    MPI_Allgather(&mine, 1, MPI_INT64_T, all.data(), 1, MPI_INT64_T, MPI_COMM_WORLD);
    return all;
  };
  const auto communicator = rank_communicator();
  for (int late = 0; late < world(); ++late) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto came = Clock::now();
    communicator->gather_bytes({});
    const auto left = Clock::now();
    const auto last_arrival = std::ranges::max(of_all_ranks(came));
    EXPECT_GE(std::ranges::min(of_all_ranks(left)), last_arrival) << "rank " << late << " is late";
  }
}

INSTANTIATE_TEST_SUITE_P(ChunkElements, Collectives, ::testing::Values(1, 13, 1000, 1 << 28));

// bfloat16: the oracle is ATen's own conversion and addition, on what plain MPI gathered.
bool same_or_both_nan(const at::Tensor& a, const at::Tensor& b) {
  return at::logical_or(a.eq(b), at::logical_and(a.isnan(), b.isnan())).all().item<bool>();
}

// All 65,536 patterns, NaN and infinities and subnormals with them, each rank in another order.
at::Tensor all_patterns() {
  auto bits = at::arange(-32768, 32768, at::kShort);
  return at::remainder(bits.to(at::kInt) * (2 * rank() + 1) + rank() * 12345, 65536)
      .sub(32768)
      .to(at::kShort)
      .view(at::kBFloat16);
}

TEST(Bfloat16, SumIsAddedUpInFloatAndRoundedToNearestEvenOnce) {
  const auto communicator = rank_communicator(10007);
  const auto values = all_patterns();
  const auto all = gathered(values);
  auto reduced = values.clone();
  communicator->all_reduce(reduced, ReduceOp::sum)->wait();
  auto total = all[0].to(at::kFloat);
  for (int other = 1; other < world(); ++other) total = total + all[other].to(at::kFloat);
  EXPECT_TRUE(same_or_both_nan(reduced, total.to(at::kBFloat16)));
  if (world() == 1) {
    EXPECT_TRUE(same_or_both_nan(reduced, values));
  } else if (world() == 2) {
    EXPECT_TRUE(same_or_both_nan(reduced, at::add(all[0], all[1])));
  } else {
    // bfloat16 has 8 significant bits: half a unit in the last place (2^-8) of what is added up.
    const auto exact = all.to(at::kDouble).sum(0);
    const auto magnitude = all.to(at::kDouble).abs().sum(0);
    const auto close = reduced.to(at::kDouble).sub(exact).abs().le(magnitude / 256);
    const auto finite = magnitude.lt(1e38);
    EXPECT_TRUE(at::logical_or(close, finite.logical_not()).all().item<bool>());
    EXPECT_GT(finite.sum().item<std::int64_t>(), 30000);
  }
  const auto results = gathered(reduced.view(at::kShort));
  for (int other = 0; other < world(); ++other) EXPECT_TRUE(at::equal(results[other], results[0]));
}

TEST(Bfloat16, MaxAndMinAreExact) {
  const auto communicator = rank_communicator();
  const auto values = all_patterns().nan_to_num(1.0);
  const auto all = gathered(values).to(at::kFloat);
  auto largest = values.clone(), smallest = values.clone();
  communicator->all_reduce(largest, ReduceOp::max)->wait();
  communicator->all_reduce(smallest, ReduceOp::min)->wait();
  EXPECT_TRUE(at::equal(largest.to(at::kFloat), all.amax(0)));
  EXPECT_TRUE(at::equal(smallest.to(at::kFloat), all.amin(0)));
}

TEST(Bfloat16, ReduceScatterSums) {
  const auto communicator = rank_communicator(5);
  const auto values = numbers(101 * world(), at::kBFloat16).remainder(16);
  const auto own = [](const at::Tensor& of) {
    return of.to(at::kFloat).slice(0, rank() * 101, (rank() + 1) * 101);
  };
  const auto expected = own(gathered(values).to(at::kFloat).sum(0));
  communicator->reduce_scatter(values, equal_parts(101))->wait();
  EXPECT_TRUE(at::equal(own(values), expected));
}

TEST(Communicators, DoNotMeetEachOthersTraffic) {
  const auto first = rank_communicator(), second = rank_communicator();
  auto a = at::full({5}, 1.0f), b = at::full({5}, 10.0f);
  // Started in opposite orders on odd and even ranks.
  std::unique_ptr<Work> work_a, work_b;
  if (rank() % 2 == 0) work_a = first->all_reduce(a, ReduceOp::sum);
  work_b = second->all_reduce(b, ReduceOp::sum);
  if (rank() % 2 == 1) work_a = first->all_reduce(a, ReduceOp::sum);
  work_b->wait();
  work_a->wait();
  EXPECT_TRUE(a.eq(world()).all().item<bool>());
  EXPECT_TRUE(b.eq(10 * world()).all().item<bool>());
}

TEST(Communicators, DestroyingUnfinishedWorkWaits) {
  const auto communicator = rank_communicator();
  auto values = at::full({100000}, 2.0f);
  communicator->all_reduce(values, ReduceOp::sum).reset();
  EXPECT_TRUE(values.eq(2 * world()).all().item<bool>());
}

TEST(Communicators, RefuseWhatTheyCannotSend) {
  const auto communicator = rank_communicator();
  EXPECT_THROW(communicator->all_reduce(at::Tensor(), ReduceOp::sum), Error);
  EXPECT_THROW(communicator->all_reduce(at::ones({2, 3}).t(), ReduceOp::sum), Error);
  EXPECT_THROW(communicator->all_reduce(at::ones({3}, at::kHalf), ReduceOp::sum), Error);
  EXPECT_THROW(communicator->broadcast(at::ones({3}), world()), Error);
  EXPECT_THROW(communicator->reduce_scatter(at::ones({3, 2 * world()}).t(), equal_parts(6)), Error);
  EXPECT_THROW(communicator->all_gather(at::ones({3 * world()}, at::kHalf), equal_parts(3)), Error);
  EXPECT_THROW(communicator->all_gather(at::ones({3 * world() + 1}), equal_parts(3)), Error);
  // Overlapping by all but one element.
  const auto whole = at::ones({3 * world() + 1});
  EXPECT_THROW(communicator->all_to_all(whole.slice(0, 1), whole.slice(0, 0, 3 * world())), Error);
}

// By hand, see tests/README.md.
TEST(LargeMessages, DISABLED_ArriveWhole) {
  const auto communicator = rank_communicator();
  check_large_transfers(
      *communicator, [](const at::Tensor& host) { return host; }, [] {});
}

TEST(Ranks, AreNumberedAndCounted) {
  int mpi_rank = -1, mpi_size = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &mpi_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &mpi_size);
  // All ranks of a test run share one machine.
  EXPECT_EQ(rank_communicator()->rank_info(), (RankInfo{mpi_rank, mpi_size, mpi_rank, mpi_size}));
}

}  // namespace
}  // namespace bertha::testing
