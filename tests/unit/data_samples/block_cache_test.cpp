// Blocks are read once while they are kept, by whoever comes first; what reading threw is thrown.
#include "data_pipeline/samples/block_cache.h"

#include <atomic>
#include <numeric>

#include <gtest/gtest.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

ForeignBlock block_named(std::size_t block) {
  return {ForeignRowDecoder(ForeignLayout::variable, "test", nullptr), block, {}};
}

TEST(BlockCache, ReadsEachBlockOnce) {
  std::array<std::atomic<int>, 20> loads{};
  BlockCache cache(
      [&](std::size_t block) {
        ++loads[block];
        return block_named(block);
      },
      32, 3);
  std::vector<std::size_t> all(20);
  std::iota(all.begin(), all.end(), std::size_t{0});
  cache.expect(all);
  std::vector<std::jthread> users;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    users.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        for (const auto block : all) {
          wrong += cache.get(block)->first_row() != block;
        }
      }
    });
  }
  users.clear();
  EXPECT_EQ(wrong, 0);
  for (const auto& count : loads) EXPECT_EQ(count, 1);
}

TEST(BlockCache, KeepsTheNewest) {
  std::atomic<int> loads{0};
  BlockCache cache(
      [&](std::size_t block) {
        ++loads;
        return block_named(block);
      },
      3, 1);
  for (const std::size_t block : {0, 1, 2, 0, 1, 2}) cache.get(block);
  EXPECT_EQ(loads, 3);
  const auto held = cache.get(0);
  cache.get(3);  // 1 was used longest ago
  cache.get(2);
  EXPECT_EQ(loads, 4);
  cache.get(1);
  EXPECT_EQ(loads, 5);
  for (std::size_t block = 10; block < 20; ++block) cache.get(block);
  EXPECT_EQ(held->first_row(), 0U);  // what is in use stays
}

TEST(BlockCache, ThrowsWhatReadingThrew) {
  BlockCache cache(
      [](std::size_t block) -> ForeignBlock {
        if (block == 2) throw Error(ErrorKind::bad_data, "block 2");
        return block_named(block);
      },
      8, 2);
  cache.expect(std::vector<std::size_t>{1, 2, 3});
  for (int i = 0; i < 3; ++i) EXPECT_THROW(cache.get(2), Error);
  EXPECT_EQ(cache.get(3)->first_row(), 3U);
}

}  // namespace
}  // namespace bertha
