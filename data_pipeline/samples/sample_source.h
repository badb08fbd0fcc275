// What a stream of batches draws from: the seam between corpora, whose samples are made as they are
// wanted, and foreign shards, which hold them ready.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "data_pipeline/samples/sequence_list.h"

namespace bertha {

// A sample before it is made. All ranks plan every sample; each makes its own.
struct PlannedSample {
  int tokens = 0;  // expected
  // Appends its sequence (several where the sample is a packed row).
  std::function<void(SequenceList&)> append_to;
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
