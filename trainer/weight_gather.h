// The end of a sharded optimizer's step, put off into the next one: every rank's range of the
// updated master weights goes to all others, in pieces from the beginning of the flat space to its
// end, and a forward pass waits for a piece when it gets there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "parallel/bucket_plan.h"
#include "parallel/communicator.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

class WeightGather {
 public:
  // `owned`: by rank, covering the space in their order. Pieces are the buckets, the last one
  // first. Communicator and space must outlive it; one thread.
  WeightGather(Communicator& communicator, ParameterSpace& space, std::vector<FlatRange> owned,
               const BucketPlan& buckets);
  // Waits for what is under way, unless an exception unwinds.
  ~WeightGather();
  WeightGather(const WeightGather&) = delete;
  WeightGather& operator=(const WeightGather&) = delete;

  // After this rank's range of the master weights was updated; until the pieces are there nobody
  // may write to them. From now on the space waits for a piece before it gives its weights away,
  // and copies it to the compute weights. Collective.
  void start();
  // Everything is there, and what this rank sent is gone.
  void finish();

 private:
  struct Piece {
    FlatRange range;
    std::vector<std::int64_t> parts;  // of the ranks
    std::unique_ptr<Work> work;       // while under way
  };
  void arrive(std::int64_t end);

  Communicator& communicator_;
  ParameterSpace& space_;
  at::Tensor master_;
  std::vector<Piece> pieces_;
  std::size_t next_ = 0;  // pieces before it are there
};

}  // namespace bertha
