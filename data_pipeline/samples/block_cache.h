// Keeps blocks of rows that are in use, and reads those that will be, on threads of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "data_pipeline/shards/foreign_block.h"

namespace bertha {

class BlockCache {
 public:
  using Block = std::shared_ptr<const ForeignBlock>;
  // `load` is called by several threads at once; the newest `capacity` blocks are kept.
  BlockCache(std::function<ForeignBlock(std::size_t)> load, std::size_t capacity, int threads);

  // They are read in the background, in this order.
  void expect(std::span<const std::size_t> blocks);
  // Reads it if nobody did, or waits for whoever does. What reading threw is thrown here.
  Block get(std::size_t block);

 private:
  struct Entry {
    std::shared_future<Block> block;
    std::uint64_t used = 0;
  };
  void work(const std::stop_token& stop);
  void forget_oldest();

  std::function<ForeignBlock(std::size_t)> load_;
  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::size_t, Entry> entries_;
  std::deque<std::size_t> expected_;
  std::uint64_t uses_ = 0;
  std::vector<std::jthread> threads_;  // last: stop and join before the rest goes
};

}  // namespace bertha
