// A rank adds up what it can alone. Then, slab by slab: every rank gets everyone's parts of its
// slice of the slab, adds them along the tree, and hands the sum to all. That moves about as much
// as an all-reduce does.
#include "parallel/tree_reducer.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {

TreeReducer::TreeReducer(Communicator& communicator, at::Tensor flat_gradient,
                         std::int64_t slab_elements)
    : communicator_(communicator),
      flat_gradient_(std::move(flat_gradient)),
      slab_elements_(std::max<std::int64_t>(1, slab_elements)) {}

void TreeReducer::begin(std::vector<std::int64_t> micro_batches_by_rank) {
  count_ = 0;
  for (const auto count : micro_batches_by_rank) count_ += count;
  nodes_.clear();
  std::int64_t first = 0;
  for (std::size_t rank = 0; rank < micro_batches_by_rank.size(); ++rank) {
    if (static_cast<int>(rank) == communicator_.rank_info().rank) next_ = first;
    nodes_.push_back(complete_nodes(count_, first, first + micro_batches_by_rank[rank]));
    first += micro_batches_by_rank[rank];
  }
  for (auto& part : parts_) spare_.push_back(std::move(part.sum));
  parts_.clear();
}

void TreeReducer::add_micro_batch() {
  TreeNode node{next_, next_ + 1}, parent;
  ++next_;
  while (!parts_.empty() && siblings(count_, parts_.back().node, node, parent)) {
    flat_gradient_.add_(parts_.back().sum);
    spare_.push_back(std::move(parts_.back().sum));
    parts_.pop_back();
    node = parent;
  }
  at::Tensor sum;
  if (spare_.empty()) {
    sum = at::empty_like(flat_gradient_);
  } else {
    sum = std::move(spare_.back());
    spare_.pop_back();
  }
  sum.copy_(flat_gradient_);
  parts_.push_back({node, std::move(sum)});
}

void TreeReducer::finish() {
  const auto& rank = communicator_.rank_info();
  const auto& mine = nodes_[static_cast<std::size_t>(rank.rank)];
  const bool complete =
      std::equal(parts_.begin(), parts_.end(), mine.begin(), mine.end(),
                 [](const Part& part, const TreeNode& node) { return part.node == node; });
  if (!complete) {
    throw Error(ErrorKind::internal,
                fmt::format("gradient of {} micro-batches finished before the last", count_));
  }
  if (count_ == 0) {
    flat_gradient_.zero_();
    return;
  }
  if (rank.world_size == 1) {
    flat_gradient_.copy_(parts_.front().sum);
    return;
  }
  std::size_t parts = 0;
  for (const auto& nodes : nodes_) parts = std::max(parts, nodes.size());
  const auto total = flat_gradient_.numel();
  const auto slice = (std::min(slab_elements_, total) + rank.world_size - 1) / rank.world_size;
  for (std::int64_t first = 0; first < total; first += slice * rank.world_size) {
    combine_slab(first, slice, static_cast<std::int64_t>(parts));
  }
}

// Elements [first, first + world_size * slice) of the gradient, cut off at its end.
void TreeReducer::combine_slab(std::int64_t first, std::int64_t slice, std::int64_t parts) {
  const std::int64_t world = communicator_.rank_info().world_size;
  if (!send_.defined() || send_.numel() != world * parts * slice) {
    send_ = at::zeros({world, parts, slice}, flat_gradient_.options());
    receive_ = at::zeros_like(send_);
    gathered_ = at::empty({world * slice}, flat_gradient_.options());
  }
  const auto end = std::min(flat_gradient_.numel(), first + world * slice);
  for (std::int64_t owner = 0; owner < world; ++owner) {
    const auto from = first + owner * slice, to = std::min(end, from + slice);
    for (std::size_t i = 0; i < parts_.size() && from < to; ++i) {
      send_[owner][static_cast<std::int64_t>(i)]
          .slice(0, 0, to - from)
          .copy_(parts_[i].sum.slice(0, from, to));
    }
  }
  communicator_.all_to_all(send_, receive_)->wait();
  std::vector<Part> slices;
  for (std::int64_t rank = 0; rank < world; ++rank) {
    const auto& nodes = nodes_[static_cast<std::size_t>(rank)];
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      slices.push_back({nodes[i], receive_[rank][static_cast<std::int64_t>(i)]});
    }
  }
  const auto own = communicator_.rank_info().rank * slice;
  gathered_.slice(0, own, own + slice).copy_(sum_of({0, count_}, slices));
  const std::vector<std::int64_t> equal(static_cast<std::size_t>(world), slice);
  communicator_.all_gather(gathered_, equal)->wait();
  flat_gradient_.slice(0, first, end).copy_(gathered_.slice(0, 0, end - first));
}

// In place: the first of the tensors under a node becomes its sum.
at::Tensor TreeReducer::sum_of(const TreeNode& node, std::vector<Part>& slices) const {
  const auto found = std::find_if(slices.begin(), slices.end(),
                                  [&](const Part& part) { return part.node == node; });
  if (found != slices.end()) return found->sum;
  const auto [left, right] = children(node);
  return sum_of(left, slices).add_(sum_of(right, slices));
}

}  // namespace bertha
