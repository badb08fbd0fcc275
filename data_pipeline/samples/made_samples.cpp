// A list per worker, put in the order of the samples in the end.
#include "data_pipeline/samples/made_samples.h"

#include "data_pipeline/samples/worker_threads.h"

namespace bertha {
namespace {

constexpr std::size_t kSamplesPerBlock = 8;  // of a worker's turn

}  // namespace

std::span<const SequenceView> MadeSamples::make(std::span<const PlannedSample> samples,
                                                const Places& places, int workers) {
  for (auto& list : by_worker_) list.clear();
  by_worker_.resize(
      std::max(by_worker_.size(), worker_count(places.size(), kSamplesPerBlock, workers)));
  made_.resize(places.size());
  for (const auto place : places) samples[place].maker->expect();
  for_each_block(places.size(), kSamplesPerBlock, workers,
                 [&](std::size_t worker, std::size_t begin, std::size_t end) {
                   auto& list = by_worker_[worker];
                   for (auto i = begin; i < end; ++i) samples[places[i]].maker->prefetch();
                   for (auto i = begin; i < end; ++i) {
                     const auto first = list.size();
                     samples[places[i]].maker->append_to(list);
                     made_[i] = {worker, first, list.size()};
                   }
                 });
  sequences_.clear();
  for (const auto& [worker, begin, end] : made_) {
    for (auto s = begin; s < end; ++s) sequences_.push_back(by_worker_[worker][s]);
  }
  return sequences_;
}

}  // namespace bertha
