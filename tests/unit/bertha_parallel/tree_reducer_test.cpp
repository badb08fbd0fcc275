// Sums over micro-batches have the same bits for any number of ranks: those of a plain recursion.
#include "parallel/tree_reducer.h"

#include <mutex>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"

namespace bertha::testing {
namespace {

constexpr std::int64_t kTotal = 1003;

// Numbers of very different sizes, so that any other order of additions shows.
at::Tensor gradient(std::int64_t micro_batch) {
  auto bits = at::arange(kTotal, at::kDouble) * 0.7310585 + static_cast<double>(micro_batch) * 1.37;
  return (bits.sin() * (bits * 3.1).cos().mul(12).exp()).to(at::kFloat);
}

at::Tensor sum_of(std::int64_t begin, std::int64_t end) {
  if (end - begin == 1) return gradient(begin);
  const auto middle = begin + (end - begin) / 2;
  return sum_of(begin, middle) + sum_of(middle, end);
}

// What every rank holds in the end.
std::vector<at::Tensor> reduce(int ranks, std::int64_t count, std::int64_t slab) {
  std::vector<at::Tensor> results(static_cast<std::size_t>(ranks));
  run_thread_ranks(ranks, [&](Communicator& communicator) {
    auto flat = at::empty({kTotal});
    TreeReducer reducer(communicator, flat, slab);
    std::vector<std::int64_t> counts;
    for (std::int64_t r = 0; r < ranks; ++r) {
      counts.push_back(count * (r + 1) / ranks - count * r / ranks);
    }
    const auto rank = communicator.rank_info().rank;
    for (int again = 0; again < 2; ++again) {  // buffers are used a second time
      reducer.begin(counts);
      const auto first = count * rank / ranks;
      for (std::int64_t i = 0; i < counts[static_cast<std::size_t>(rank)]; ++i) {
        flat.copy_(gradient(first + i));
        reducer.add_micro_batch();
        flat.fill_(-1);
      }
      reducer.finish();
    }
    results[static_cast<std::size_t>(rank)] = flat;
  });
  return results;
}

TEST(TreeReducer, GivesTheSameBitsOnAnyNumberOfRanks) {
  for (const std::int64_t count : {1, 2, 5, 8, 13}) {
    const auto expected = sum_of(0, count);
    for (const int ranks : {1, 2, 3, 4, 7}) {
      for (const std::int64_t slab : {1, 100, 100000}) {
        if (slab == 1 && count != 5) continue;
        for (const auto& flat : reduce(ranks, count, slab)) {
          EXPECT_TRUE(at::equal(flat, expected)) << count << " on " << ranks << ", " << slab;
        }
      }
    }
  }
}

// The test above can fail: another order gives other bits.
TEST(TreeReducer, OrderShowsInTheseNumbers) {
  auto in_line = gradient(0);
  for (std::int64_t i = 1; i < 13; ++i) in_line += gradient(i);
  EXPECT_FALSE(at::equal(in_line, sum_of(0, 13)));
}

TEST(TreeReducer, ZeroWithoutMicroBatches) {
  for (const auto& flat : reduce(2, 0, 100)) EXPECT_TRUE(at::equal(flat, at::zeros({kTotal})));
}

TEST(TreeReducer, RefusesToFinishEarly) {
  run_thread_ranks(1, [](Communicator& communicator) {
    auto flat = at::ones({4});
    TreeReducer reducer(communicator, flat, 4);
    reducer.begin({2});
    reducer.add_micro_batch();
    EXPECT_THROW(reducer.finish(), Error);
  });
}

}  // namespace
}  // namespace bertha::testing
