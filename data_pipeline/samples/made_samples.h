// The sequences of some samples, made by several workers.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data_pipeline/samples/packing.h"
#include "data_pipeline/samples/sample_source.h"

namespace bertha {

// Keeps its memory from one make() to the next.
class MadeSamples {
 public:
  // The samples at `places`, in that order. The views are valid until the next call.
  std::span<const SequenceView> make(std::span<const PlannedSample> samples, const Places& places,
                                     int workers);

 private:
  // Where the sequences of a sample are.
  struct Made {
    std::size_t worker, begin, end;
  };
  std::vector<SequenceList> by_worker_;
  std::vector<Made> made_;  // by sample
  std::vector<SequenceView> sequences_;
};

}  // namespace bertha
