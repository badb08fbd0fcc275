// The tree reducer over MPI gives the bits of a plain recursion, on as many ranks as there are.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "parallel/mpi_environment.h"
#include "parallel/tree_reducer.h"
#include "tests/support/rank_communicator.h"

namespace bertha::testing {
namespace {

constexpr std::int64_t kTotal = 30011;

at::Tensor gradient(std::int64_t micro_batch) {
  auto bits = at::arange(kTotal, at::kDouble) * 0.731 + static_cast<double>(micro_batch) * 1.37;
  return (bits.sin() * (bits * 3.1).cos().mul(12).exp()).to(at::kFloat);
}

at::Tensor sum_of(std::int64_t begin, std::int64_t end) {
  if (end - begin == 1) return gradient(begin);
  const auto middle = begin + (end - begin) / 2;
  return sum_of(begin, middle) + sum_of(middle, end);
}

TEST(TreeReducer, GivesTheBitsOfARecursion) {
  const auto communicator = rank_communicator(3001);
  const auto& rank = communicator->rank_info();
  auto flat = at::empty({kTotal});
  for (const std::int64_t count : {1, 3, 8, 24}) {
    for (const std::int64_t slab : {1000, 1 << 20}) {
      std::vector<std::int64_t> counts;
      for (std::int64_t r = 0; r < rank.world_size; ++r) {
        counts.push_back(count * (r + 1) / rank.world_size - count * r / rank.world_size);
      }
      TreeReducer reducer(*communicator, flat, slab);
      reducer.begin(counts);
      const auto first = count * rank.rank / rank.world_size;
      for (std::int64_t i = 0; i < counts[static_cast<std::size_t>(rank.rank)]; ++i) {
        flat.copy_(gradient(first + i));
        reducer.add_micro_batch();
      }
      reducer.finish();
      EXPECT_TRUE(at::equal(flat, sum_of(0, count))) << count << " micro-batches, slab " << slab;
    }
  }
}

}  // namespace
}  // namespace bertha::testing
