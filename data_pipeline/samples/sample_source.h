// What a stream of batches draws from: the seam between corpora, whose samples are made as they are
// wanted, and foreign shards, which hold them ready.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

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
  // Begins to read it from the disk: for all samples of a batch before the first is made.
  virtual void expect() const {}
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
  // Plans samples of these numbers, several at once because that is faster; `planned` has their
  // size.
  std::function<void(std::span<const std::uint64_t> numbers, std::span<PlannedSample> planned)>
      plan;
  // From this place on the next epoch may be made ready, so that nobody waits at the border.
  std::uint64_t next_wanted_from = UINT64_MAX;
  // Begins to read what its first samples need, in the background. May be empty.
  std::function<void()> expect_first;

  PlannedSample plan_one(std::uint64_t number) const {
    PlannedSample planned;
    plan({&number, 1}, {&planned, 1});
    return planned;
  }
};

// Makes an epoch ready, which may take a while.
using SampleSource = std::function<std::shared_ptr<const EpochSamples>(std::uint32_t epoch)>;

}  // namespace bertha
