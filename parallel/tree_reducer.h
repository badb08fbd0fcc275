// Sums the gradients of a step's micro-batches over all ranks with the same bits for any number of
// ranks: along a fixed tree over the micro-batches (sum_tree.h), not over the ranks.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "parallel/communicator.h"
#include "parallel/sum_tree.h"

namespace bertha {

// Keeps a copy of the gradient for every level of the tree that is half done: about log2 of this
// rank's micro-batches. Collective: begin and finish.
class TreeReducer {
 public:
  // `flat_gradient` [total] float32 stays owned by the caller and must outlive the reducer. About
  // `slab_elements` of it travel at a time.
  TreeReducer(Communicator& communicator, at::Tensor flat_gradient, std::int64_t slab_elements);

  // The step's micro-batches lie with the ranks in order: this many with each.
  void begin(std::vector<std::int64_t> micro_batches_by_rank);
  // flat_gradient holds the gradient of this rank's next micro-batch and nothing else. It is added
  // to what belongs with it; what flat_gradient holds afterwards is of no meaning.
  void add_micro_batch();
  // Afterwards flat_gradient holds the sum over all micro-batches of all ranks.
  void finish();

 private:
  struct Part {
    TreeNode node;
    at::Tensor sum;  // [total]
  };
  void combine_slab(std::int64_t first, std::int64_t slice, std::int64_t parts);
  at::Tensor sum_of(const TreeNode& node, std::vector<Part>& slices) const;

  Communicator& communicator_;
  at::Tensor flat_gradient_;
  std::int64_t slab_elements_;
  std::int64_t count_ = 0, next_ = 0;         // micro-batches of all ranks; mine that comes next
  std::vector<std::vector<TreeNode>> nodes_;  // that each rank sums up alone
  std::vector<Part> parts_;                   // what I have so far, from left to right
  std::vector<at::Tensor> spare_;             // buffers [total]
  at::Tensor send_, receive_, gathered_;      // of a slab
};

}  // namespace bertha
