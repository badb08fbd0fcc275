// Sums the flat gradient over all ranks, bucket by bucket, in the same order on every rank,
// starting while backward still runs; for all ranks, or for each the range that it owns.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "parallel/bucket_plan.h"
#include "parallel/communicator.h"

namespace bertha {

class GradientReducer {
 public:
  enum class Precision { fp32, bf16 };  // of what goes over the wire

  // `flat_gradient` [total] float32 stays owned by the caller and must outlive the reducer. With
  // `owned`, by rank and covering the flat space in their order, a rank gets the sum of its range.
  GradientReducer(Communicator& communicator, at::Tensor flat_gradient, BucketPlan plan,
                  Precision precision, std::vector<FlatRange> owned = {});

  // The last backward of a step begins: nothing is ready.
  void begin();
  // This parameter's gradient is final. A bucket goes out when it and all before it are complete.
  void mark_ready(int parameter);
  // Sends what is left (parameters without a gradient count as ready) and waits for everything:
  // afterwards flat_gradient holds the sum over ranks; where ranges are owned, this rank's does,
  // and the rest is of no meaning. One rank alone keeps its gradient as it is.
  void finish();

 private:
  void launch_ready_buckets();
  void launch(std::size_t bucket);
  FlatRange summed_part(const FlatRange& bucket) const;
  void poll();

  Communicator& communicator_;
  at::Tensor flat_gradient_;
  at::Tensor wire_;  // [total] bfloat16, made once; undefined when the gradient itself travels
  BucketPlan plan_;
  std::vector<FlatRange> owned_;                  // by rank; empty: everyone gets everything
  std::vector<int> missing_initially_, missing_;  // parameters not ready yet, by bucket
  std::vector<bool> ready_;                       // by parameter
  std::size_t next_bucket_ = 0;
  bool active_ = false;                           // between begin and finish
  std::vector<std::unique_ptr<Work>> in_flight_;  // of buckets [0, next_bucket_)
};

}  // namespace bertha
