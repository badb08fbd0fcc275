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

// Where the ranks are a power of two and share evenly, each adds up one node.
TEST(SumTree, EvenSharesOfPowersOfTwoAreOneNodeEach) {
  for (const std::int64_t ranks : {1, 2, 4, 8, 16}) {
    for (std::int64_t share = 1; share <= 25; ++share) {
      for (std::int64_t rank = 0; rank < ranks; ++rank) {
        const TreeNode mine{rank * share, (rank + 1) * share};
        EXPECT_THAT(complete_nodes(ranks * share, mine.begin, mine.end), ElementsAre(mine))
            << share << " each of " << ranks;
      }
    }
  }
}

}  // namespace
}  // namespace bertha::testing
