// The NCCL communicator's collectives in parts of different sizes, over the stand-ins of
// tests/support/fake_nccl, against plain MPI.
#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "parallel/gradient_reducer.h"
#include "parallel/mpi_environment.h"
#include "parallel/nccl_communicator.h"
#include "tests/support/fake_nccl/device.h"
#include "tests/support/rank_communicator.h"
#include "tests/support/rank_numbers.h"

namespace bertha::testing {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kInt, at::kLong, at::kBFloat16};

class NcclParts : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { use_stand_ins(); }

  std::unique_ptr<Communicator> host_ = rank_communicator();
  std::unique_ptr<Communicator> nccl_ = make_nccl_communicator(*host_, std::chrono::seconds(20));
};

// One reduction, and one broadcast, for every part that is not empty.
TEST_F(NcclParts, EqualPlainMpi) {
  for (const auto type : kTypes) {
    for (int salt = 0; salt < 3; ++salt) {
      std::vector<std::int64_t> parts;
      std::int64_t total = 0, begin = 0;
      for (int owner = 0; owner < world(); ++owner) {
        parts.push_back((owner + salt) % 3 == 0 ? 0 : 40 * owner + salt);
        if (owner == rank()) begin = total;
        total += parts.back();
      }
      const auto size = parts[static_cast<std::size_t>(rank())];
      const auto values = small_numbers(total, type, rank());
      const auto all = gathered(values).to(at::kDouble);
      nccl_->reduce_scatter(on_device(values), parts)->wait();
      synchronize();
      EXPECT_TRUE(at::equal(values.to(at::kDouble).narrow(0, begin, size),
                            all.sum(0).narrow(0, begin, size)))
          << c10::toString(type);
      const auto mine = small_numbers(total, type, rank());
      auto expected = at::empty_like(mine);
      std::int64_t at = 0;
      for (int owner = 0; owner < world(); ++owner) {
        const auto count = parts[static_cast<std::size_t>(owner)];
        expected.narrow(0, at, count).copy_(small_numbers(total, type, owner).narrow(0, at, count));
        at += count;
      }
      nccl_->all_gather(on_device(mine), parts)->wait();
      synchronize();
      EXPECT_TRUE(at::equal(mine, expected)) << c10::toString(type);
    }
  }
}

// A reducer with owners: every rank has the sum of what it owns.
TEST_F(NcclParts, OwnersGetTheirGradients) {
  constexpr std::int64_t kTotal = 30011;
  const std::vector<FlatRange> parameters{
      {0, 10000}, {10000, 10001}, {10001, 25000}, {25000, kTotal}};
  std::vector<FlatRange> owned;
  for (std::int64_t owner = 0; owner < world(); ++owner) {
    owned.push_back({kTotal * owner / world(), kTotal * (owner + 1) / world()});
  }
  const auto& mine = owned[static_cast<std::size_t>(rank())];
  const auto flat = small_numbers(kTotal, at::kFloat, rank());
  const auto expected = gathered(flat).sum(0);
  GradientReducer reducer(*nccl_, on_device(flat), plan_buckets(parameters, kTotal, 5000),
                          GradientReducer::Precision::fp32, owned);
  reducer.begin();
  reducer.finish();
  synchronize();
  EXPECT_TRUE(
      at::equal(flat.slice(0, mine.begin, mine.end), expected.slice(0, mine.begin, mine.end)));
}

}  // namespace
}  // namespace bertha::testing
