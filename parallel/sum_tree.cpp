// Halving, from the root down.
#include "parallel/sum_tree.h"

namespace bertha {
namespace {

void collect(const TreeNode& node, std::int64_t begin, std::int64_t end,
             std::vector<TreeNode>& nodes) {
  if (node.end <= begin || end <= node.begin) return;
  if (begin <= node.begin && node.end <= end) {
    nodes.push_back(node);
    return;
  }
  const auto [left, right] = children(node);
  collect(left, begin, end, nodes);
  collect(right, begin, end, nodes);
}

}  // namespace

std::pair<TreeNode, TreeNode> children(const TreeNode& node) {
  const auto middle = node.begin + (node.end - node.begin) / 2;
  return {{node.begin, middle}, {middle, node.end}};
}

bool siblings(std::int64_t count, const TreeNode& left, const TreeNode& right, TreeNode& parent) {
  TreeNode node{0, count};
  while (!node.leaf()) {
    const auto [first, second] = children(node);
    if (first == left && second == right) {
      parent = node;
      return true;
    }
    if (left.begin < first.end && right.end > first.end) return false;  // across the middle
    node = right.end <= first.end ? first : second;
  }
  return false;
}

std::vector<TreeNode> complete_nodes(std::int64_t count, std::int64_t begin, std::int64_t end) {
  std::vector<TreeNode> nodes;
  if (begin < end) collect({0, count}, begin, end, nodes);
  return nodes;
}

}  // namespace bertha
