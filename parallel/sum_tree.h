// A fixed binary tree over the micro-batches of a step: sums taken along it have the same bits
// however the micro-batches are shared out. Pure.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace bertha {

// Micro-batches [begin, end). A node of more than one is the sum of its two halves, the first half
// the smaller one; the root is [0, count).
struct TreeNode {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool leaf() const { return end - begin == 1; }
  bool operator==(const TreeNode&) const = default;
};

std::pair<TreeNode, TreeNode> children(const TreeNode& node);

// The node whose children the two neighbours are, if there is one in the tree of `count` leaves:
// then returns true and sets `parent`.
bool siblings(std::int64_t count, const TreeNode& left, const TreeNode& right, TreeNode& parent);

// The largest nodes inside [begin, end), from left to right: what a rank that has these
// micro-batches can add up alone. One, when the ranks are a power of two and share evenly.
std::vector<TreeNode> complete_nodes(std::int64_t count, std::int64_t begin, std::int64_t end);

}  // namespace bertha
