// Pieces arrive in the order in which they were started.
#include "trainer/weight_gather.h"

#include <exception>
#include <string>
#include <utility>

#include "parallel/base/log.h"

namespace bertha {

WeightGather::WeightGather(Communicator& communicator, ParameterSpace& space,
                           std::vector<FlatRange> owned, const BucketPlan& buckets)
    : communicator_(communicator), space_(space), master_(space.master()) {
  for (auto bucket = buckets.buckets.rbegin(); bucket != buckets.buckets.rend(); ++bucket) {
    pieces_.push_back({*bucket, parts_of(*bucket, owned), nullptr});
  }
  next_ = pieces_.size();
  space_.on_weights_wanted([this](std::int64_t end) { arrive(end); });
}

WeightGather::~WeightGather() {
  if (std::uncaught_exceptions() == 0) {
    try {
      finish();
    } catch (const std::exception& error) {
      log_warning(std::string("weights of other ranks: ") + error.what());
    }
  }
  space_.on_weights_wanted({});
}

void WeightGather::start() {
  next_ = 0;
  for (auto& piece : pieces_) {
    piece.work =
        communicator_.all_gather(master_.slice(0, piece.range.begin, piece.range.end), piece.parts);
  }
}

void WeightGather::finish() {
  arrive(space_.size());
}

// What is not waited for is moved on: MPI moves data only inside its calls.
void WeightGather::arrive(std::int64_t end) {
  while (next_ < pieces_.size() && pieces_[next_].range.begin < end) {
    auto& piece = pieces_[next_];
    if (const auto work = std::exchange(piece.work, nullptr)) work->wait();
    ++next_;
    space_.copy_master_to_compute(piece.range.begin, piece.range.end);
  }
  if (next_ < pieces_.size() && pieces_[next_].work) pieces_[next_].work->progress();
}

}  // namespace bertha
