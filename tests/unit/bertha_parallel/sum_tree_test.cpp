// The tree over micro-batches, by hand and by exhaustion.
#include "parallel/sum_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bertha::testing {
namespace {

using ::testing::ElementsAre;

TEST(SumTree, HalvesFromTheRoot) {
  const auto [left, right] = children({0, 7});
  EXPECT_EQ(left, (TreeNode{0, 3}));
  EXPECT_EQ(right, (TreeNode{3, 7}));
}

TEST(SumTree, KnowsSiblings) {
  TreeNode parent;
  ASSERT_TRUE(siblings(8, {4, 5}, {5, 6}, parent));
  EXPECT_EQ(parent, (TreeNode{4, 6}));
  ASSERT_TRUE(siblings(7, {0, 3}, {3, 7}, parent));
  EXPECT_EQ(parent, (TreeNode{0, 7}));
  EXPECT_FALSE(siblings(8, {3, 4}, {4, 5}, parent)) << "cousins";
  EXPECT_FALSE(siblings(8, {0, 4}, {4, 6}, parent)) << "the right one is not complete";
}

TEST(SumTree, FindsWhatARankCanAddAlone) {
  EXPECT_THAT(complete_nodes(8, 0, 8), ElementsAre(TreeNode{0, 8}));
  EXPECT_THAT(complete_nodes(8, 1, 6), ElementsAre(TreeNode{1, 2}, TreeNode{2, 4}, TreeNode{4, 6}));
  EXPECT_THAT(complete_nodes(8, 3, 3), ElementsAre());
}

// Halves, quarters, eighths of any number of micro-batches are single nodes.
TEST(SumTree, PowersOfTwoOfRanksHaveOneNodeEach) {
  for (std::int64_t count = 1; count <= 200; ++count) {
    for (const std::int64_t ranks : {1, 2, 4, 8, 16}) {
      for (std::int64_t rank = 0; rank < ranks; ++rank) {
        const auto begin = count * rank / ranks, end = count * (rank + 1) / ranks;
        if (begin == end) continue;
        EXPECT_EQ(complete_nodes(count, begin, end).size(), 1U) << count << " by " << ranks;
      }
    }
  }
}

}  // namespace
}  // namespace bertha::testing
