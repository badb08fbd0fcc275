// In which order a forward pass wants the weights: those of the embeddings, of one layer after the
// other, then the rest. Where weights still come from other ranks (ZeRO-1), it waits for no more
// than it needs next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trainer/model/parameter_space.h"

namespace bertha {

class ForwardStages {
 public:
  // Parameters lie in the space in that order.
  ForwardStages(const ParameterSpace& space, std::int64_t layers);

  void embeddings() const { space_->await_weights(ends_.front()); }
  void layer(std::size_t layer) const { space_->await_weights(ends_[layer + 1]); }
  void everything() const { space_->await_weights(space_->size()); }

 private:
  const ParameterSpace* space_;
  std::vector<std::int64_t> ends_;  // of the embeddings, then of the layers
};

}  // namespace bertha
