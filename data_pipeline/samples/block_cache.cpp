// One future per block; whoever comes first keeps the promise.
#include "data_pipeline/samples/block_cache.h"

#include <algorithm>
#include <chrono>
#include <exception>

namespace bertha {

BlockCache::BlockCache(std::function<ForeignBlock(std::size_t)> load, std::size_t capacity,
                       int threads)
    : load_(std::move(load)), capacity_(capacity) {
  for (int i = 0; i < std::max(1, threads); ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

void BlockCache::expect(std::span<const std::size_t> blocks) {
  const std::lock_guard lock(mutex_);
  for (const auto block : blocks) {
    if (!entries_.contains(block)) expected_.push_back(block);
  }
  changed_.notify_all();
}

// The mutex is held. What is still being read stays.
void BlockCache::forget_oldest() {
  while (entries_.size() > capacity_) {
    auto oldest = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      const auto state = entry->second.block.wait_for(std::chrono::seconds(0));
      if (state != std::future_status::ready) continue;
      if (oldest == entries_.end() || entry->second.used < oldest->second.used) oldest = entry;
    }
    if (oldest == entries_.end()) return;
    entries_.erase(oldest);
  }
}

BlockCache::Block BlockCache::get(std::size_t block) {
  std::unique_lock lock(mutex_);
  auto& entry = entries_[block];
  entry.used = ++uses_;
  if (entry.block.valid()) {
    const auto future = entry.block;
    lock.unlock();
    return future.get();
  }
  std::promise<Block> promise;
  const auto future = entry.block = promise.get_future().share();
  forget_oldest();
  lock.unlock();
  try {
    promise.set_value(std::make_shared<const ForeignBlock>(load_(block)));
  } catch (...) {
    promise.set_exception(std::current_exception());
  }
  return future.get();
}

void BlockCache::work(const std::stop_token& stop) {
  for (;;) {
    std::size_t block = 0;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !expected_.empty(); })) return;
      if (stop.stop_requested()) return;
      block = expected_.front();
      expected_.pop_front();
    }
    try {
      get(block);
    } catch (...) {
      // Whoever needs the block is told.
    }
  }
}

}  // namespace bertha
