// The epochs whose samples are at hand: the current one, and the next, made ready in the
// background.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "data_pipeline/samples/sample_source.h"

namespace bertha {

class EpochShelf {
 public:
  using Samples = std::shared_ptr<const EpochSamples>;

  explicit EpochShelf(SampleSource source) : source_(std::move(source)) {}

  // Makes it, or waits for whoever does. What the source threw is thrown here.
  Samples get(std::uint32_t epoch);
  // Begins to make it in the background, unless it is there; epochs before the one before it are
  // forgotten, so that there are two at most.
  void make_ahead(std::uint32_t epoch);
  std::uint64_t size_of(std::uint32_t epoch);  // also of epochs that are gone

 private:
  struct Ahead {
    std::uint32_t epoch;
    std::future<Samples> samples;
  };
  Samples take_or_make(std::uint32_t epoch);

  const SampleSource source_;
  std::mutex mutex_;  // guards the rest
  std::map<std::uint32_t, Samples> epochs_;
  std::map<std::uint32_t, std::uint64_t> sizes_;
  std::optional<Ahead> ahead_;  // its destructor waits for it
};

}  // namespace bertha
