// Two epochs by number, and a future.
#include "data_pipeline/epoch_shelf.h"

#include <iterator>
#include <utility>

#include "data_pipeline/prefetch.h"

namespace bertha {
namespace {

constexpr std::size_t kEpochsKept = 2;  // a batch may span the border of two epochs

}  // namespace

// The mutex is held.
EpochShelf::Samples EpochShelf::take_or_make(std::uint32_t epoch) {
  if (!ahead_ || ahead_->epoch != epoch) return source_(epoch);
  auto samples = std::move(ahead_->samples);
  ahead_.reset();
  return samples.get();
}

EpochShelf::Samples EpochShelf::get(std::uint32_t epoch) {
  const std::lock_guard lock(mutex_);
  if (const auto found = epochs_.find(epoch); found != epochs_.end()) return found->second;
  const auto made = take_or_make(epoch);
  sizes_[epoch] = made->size;
  epochs_[epoch] = made;
  while (epochs_.size() > kEpochsKept) {
    const bool oldest_is_ours = epochs_.begin()->first == epoch;
    epochs_.erase(oldest_is_ours ? std::next(epochs_.begin()) : epochs_.begin());
  }
  return made;
}

void EpochShelf::make_ahead(std::uint32_t epoch) {
  const std::lock_guard lock(mutex_);
  if (ahead_ || epochs_.contains(epoch)) return;
  std::erase_if(epochs_, [epoch](const auto& kept) { return kept.first + 1 < epoch; });
  ahead_ = {epoch, std::async(std::launch::async, [this, epoch] {
              run_in_background();
              auto samples = source_(epoch);
              if (samples->expect_first) samples->expect_first();
              return samples;
            })};
}

std::uint64_t EpochShelf::size_of(std::uint32_t epoch) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = sizes_.find(epoch); known != sizes_.end()) return known->second;
  }
  return get(epoch)->size;
}

}  // namespace bertha
