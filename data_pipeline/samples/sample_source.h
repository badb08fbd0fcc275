// What a stream of batches draws from: the seam between corpora, whose samples are made as they are
// wanted, and foreign shards, which hold them ready.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "data_pipeline/samples/sequence_list.h"

namespace bertha {

// Makes one sample of an epoch. Pure and thread-safe.
class SampleMaker {
 public:
  virtual ~SampleMaker() = default;
  // Appends its sequence (several where the sample is a packed row).
  virtual void append_to(SequenceList& list) const = 0;
  // Asks for the memory that append_to() will read soon: samples lie far from each other, and one
  // alone would wait for it.
  virtual void prefetch() const {}
};

// A sample before it is made. All ranks plan every sample; each makes its own.
struct PlannedSample {
  int tokens = 0;  // expected
  std::unique_ptr<const SampleMaker> maker;
};

// All samples of an epoch. Every function is pure and thread-safe; what is behind them is read when
// they are called, so they may throw.
struct EpochSamples {
  std::uint64_t size = 0;
  std::function<std::uint64_t(std::uint64_t place)> number_at;  // order of training
  std::function<PlannedSample(std::uint64_t number)> plan;
};

// Makes an epoch ready, which may take a while.
using SampleSource = std::function<std::shared_ptr<const EpochSamples>(std::uint32_t epoch)>;

}  // namespace bertha
