// The order of foreign rows: each once, in windows of blocks from all over, another every epoch.
#include "data_pipeline/samples/foreign_order.h"

#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace bertha {
namespace {

std::vector<std::uint64_t> uneven_blocks(std::size_t count) {
  std::vector<std::uint64_t> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(1 + i * 37 % 90);
  return rows;
}

TEST(ForeignOrder, IsAPermutation) {
  for (const std::size_t blocks : {1, 31, 32, 33, 64, 100}) {
    const auto rows = uneven_blocks(blocks);
    const ForeignOrder order(rows, 1, 0);
    const auto total = std::accumulate(rows.begin(), rows.end(), std::uint64_t{0});
    ASSERT_EQ(order.size(), total);
    std::set<std::uint64_t> seen;
    for (std::uint64_t place = 0; place < total; ++place) seen.insert(order.at(place));
    EXPECT_EQ(seen.size(), total) << blocks;
    EXPECT_EQ(*seen.rbegin(), total - 1);
  }
}

TEST(ForeignOrder, DependsOnSeedAndEpoch) {
  const auto rows = uneven_blocks(50);
  const auto first = [&](std::uint64_t seed, std::uint32_t epoch) {
    const ForeignOrder order(rows, seed, epoch);
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t place = 0; place < 50; ++place) numbers.push_back(order.at(place));
    return numbers;
  };
  EXPECT_EQ(first(1, 0), first(1, 0));
  EXPECT_NE(first(1, 0), first(2, 0));
  EXPECT_NE(first(1, 0), first(1, 1));
}

TEST(ForeignOrder, AWindowReadsItsBlocksOnly) {
  const auto rows = uneven_blocks(100);
  std::vector<std::uint64_t> first{0};
  for (const auto count : rows) first.push_back(first.back() + count);
  const ForeignOrder order(rows, 5, 2);
  EXPECT_EQ(order.windows(), 4U);
  std::set<std::size_t> of_all;
  for (std::size_t w = 0; w < order.windows(); ++w) {
    for (const auto block : order.blocks_of(w)) EXPECT_TRUE(of_all.insert(block).second);
  }
  EXPECT_EQ(of_all.size(), 100U);
  for (std::uint64_t place = 0; place < order.size(); ++place) {
    const auto number = order.at(place);
    const auto block = static_cast<std::size_t>(
        std::upper_bound(first.begin(), first.end(), number) - first.begin() - 1);
    const auto blocks = order.blocks_of(order.window_of(place));
    ASSERT_NE(std::find(blocks.begin(), blocks.end(), block), blocks.end()) << place;
  }
}

// Order statistics within one window (all rows of 32 equal blocks): a row's place is uniform, so
// its mean distance from where it is stored is a third, and neighbours do not stay together.
TEST(ForeignOrder, AWindowIsShuffledWell) {
  const std::vector<std::uint64_t> rows(32, 500);
  const ForeignOrder order(rows, 3, 1);
  const auto size = static_cast<double>(order.size());
  double distance = 0, ascents = 0, together = 0;
  for (std::uint64_t place = 0; place < order.size(); ++place) {
    const auto number = order.at(place);
    distance += std::abs(static_cast<double>(number) - static_cast<double>(place));
    if (place == 0) continue;
    const auto before = order.at(place - 1);
    ascents += number > before;
    together += number / 500 == before / 500;  // of the same block
  }
  EXPECT_NEAR(distance / size / size, 1.0 / 3, 0.01);
  EXPECT_NEAR(ascents / size, 0.5, 5 * std::sqrt(1.0 / 12 / size));  // of Euler's numbers
  EXPECT_NEAR(together / size, 1.0 / 32, 5 * std::sqrt(1.0 / 32 / size));
}

}  // namespace
}  // namespace bertha
