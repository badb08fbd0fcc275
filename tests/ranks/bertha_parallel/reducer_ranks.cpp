// The gradient reducer over MPI equals one plain MPI_Allreduce of the whole gradient; where ranks
// own ranges, they get the bits that all ranks get where nobody does.
#include <algorithm>
#include <numeric>
#include <random>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/gradient_reducer.h"
#include "parallel/mpi_environment.h"
#include "tests/support/rank_communicator.h"

namespace bertha::testing {
namespace {

constexpr std::int64_t kTotal = 30011;

// Parameters of mixed sizes with gaps of padding.
std::vector<FlatRange> some_parameters() {
  std::vector<FlatRange> parameters;
  std::int64_t begin = 5;
  for (const std::int64_t size : {10000, 1, 700, 64, 64, 9000, 3, 5000, 0, 4000, 900}) {
    parameters.push_back({begin, begin + size});
    begin += size + 16;
  }
  EXPECT_LE(begin, kTotal);
  return parameters;
}

// Whole numbers, so that the order of additions makes no difference.
at::Tensor gradient(int step) {
  return at::remainder(at::arange(kTotal, at::kLong) * 31 + process_rank_info().rank * 17 + step,
                       61)
      .sub(30)
      .to(at::kFloat);
}

at::Tensor plain_sum(const at::Tensor& mine) {
  auto total = at::empty_like(mine);
  MPI_Allreduce(mine.data_ptr(), total.data_ptr(), static_cast<int>(mine.numel()), MPI_FLOAT,
                MPI_SUM, MPI_COMM_WORLD);
  return total;
}

class Reducer : public ::testing::TestWithParam<std::int64_t> {
 protected:
  std::vector<FlatRange> parameters_ = some_parameters();
  BucketPlan plan_ = plan_buckets(parameters_, kTotal, GetParam());
  std::unique_ptr<Communicator> communicator_ = rank_communicator(3001);
};

// Every rank has its own order, and some parameters get no gradient on some ranks.
TEST_P(Reducer, EqualsOneAllReduceInAnyOrderOfReadiness) {
  auto flat = at::empty({kTotal});
  GradientReducer reducer(*communicator_, flat, plan_, GradientReducer::Precision::fp32);
  std::mt19937 random(static_cast<unsigned>(process_rank_info().rank) + 1);
  for (int step = 0; step < 12; ++step) {
    flat.copy_(gradient(step));
    const auto expected = plain_sum(flat);
    std::vector<int> order(parameters_.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    order.resize(order.size() - static_cast<std::size_t>(step % 4));
    reducer.begin();
    for (const int parameter : order) reducer.mark_ready(parameter);
    reducer.finish();
    EXPECT_TRUE(at::equal(flat, expected)) << "step " << step;
  }
}

// A gradient that is written only just before it is marked must arrive as written.
TEST_P(Reducer, TakesEachGradientWhenItIsReady) {
  auto flat = at::zeros({kTotal});
  GradientReducer reducer(*communicator_, flat, plan_, GradientReducer::Precision::fp32);
  const auto final_gradient = gradient(3);
  auto expected = at::zeros({kTotal});
  reducer.begin();
  for (int parameter = static_cast<int>(parameters_.size()) - 1; parameter >= 0; --parameter) {
    const auto& range = parameters_[static_cast<std::size_t>(parameter)];
    const auto part = final_gradient.slice(0, range.begin, range.end);
    flat.slice(0, range.begin, range.end).copy_(part);
    expected.slice(0, range.begin, range.end).copy_(part);
    reducer.mark_ready(parameter);
  }
  reducer.finish();
  EXPECT_TRUE(at::equal(flat, plain_sum(expected)));
}

TEST_P(Reducer, SendsBfloat16WhenAsked) {
  auto flat = at::empty({kTotal});
  GradientReducer reducer(*communicator_, flat, plan_, GradientReducer::Precision::bf16);
  for (int step = 0; step < 3; ++step) {
    flat.copy_(gradient(step));  // small whole numbers: exact in bfloat16, sums too
    const auto expected = plain_sum(flat);
    reducer.begin();
    reducer.finish();
    EXPECT_TRUE(at::equal(flat, expected));
  }
  // A value that bfloat16 cannot hold is rounded on the wire, and only when there is a wire.
  flat.fill_(1.0f + 1.0f / 1024);
  reducer.begin();
  reducer.finish();
  const auto world = static_cast<float>(process_rank_info().world_size);
  const float expected = world == 1 ? 1.0f + 1.0f / 1024 : world;
  EXPECT_TRUE(flat.eq(expected).all().item<bool>()) << flat[0].item<float>();
}

// The order of additions shows in these sums.
TEST_P(Reducer, GivesOwnersTheBitsThatAllGetWithoutOwners) {
  const auto& rank = process_rank_info();
  // Uneven, one of the ranks with nothing.
  std::vector<FlatRange> owned;
  for (std::int64_t owner = 0, end = 0; owner < rank.world_size; ++owner) {
    const auto begin = end;
    end = owner + 1 == rank.world_size ? kTotal
          : owner == 1                 ? begin
                                       : kTotal * (owner + 1) / (rank.world_size + 1) + 7;
    owned.push_back({begin, end});
  }
  const auto& mine = owned[static_cast<std::size_t>(rank.rank)];
  for (const auto precision :
       {GradientReducer::Precision::fp32, GradientReducer::Precision::bf16}) {
    auto everything = at::empty({kTotal}), own = at::empty({kTotal});
    GradientReducer to_all(*communicator_, everything, plan_, precision);
    GradientReducer to_owners(*communicator_, own, plan_, precision, owned);
    for (int step = 0; step < 3; ++step) {
      const auto places = at::arange(kTotal, at::kDouble) + step;
      const auto bits = (places * 0.731 + rank.rank * 1.37).sin() * (places * 3.1).cos().exp();
      for (auto* reducer : {&to_all, &to_owners}) {
        (reducer == &to_all ? everything : own).copy_(bits);
        reducer->begin();
        for (const int parameter : {3, 10, 0}) reducer->mark_ready(parameter);
        reducer->finish();
      }
      EXPECT_TRUE(
          at::equal(own.slice(0, mine.begin, mine.end), everything.slice(0, mine.begin, mine.end)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(BucketElements, Reducer, ::testing::Values(1, 1000, 6000, 1 << 20));

}  // namespace
}  // namespace bertha::testing
