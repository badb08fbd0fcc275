// Threads that take blocks from a common counter.
#include "data_pipeline/samples/worker_threads.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace bertha {

std::size_t worker_count(std::size_t count, std::size_t block, int workers) {
  const std::size_t blocks = (count + block - 1) / block;
  return std::max<std::size_t>(1, std::min(blocks, static_cast<std::size_t>(std::max(1, workers))));
}

void for_each_block(std::size_t count, std::size_t block, int workers, const LoopBody& body) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](std::size_t worker) {
    try {
      for (;;) {
        const std::size_t begin = next.fetch_add(block);
        if (begin >= count) return;
        body(worker, begin, std::min(count, begin + block));
      }
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t w = 1; w < worker_count(count, block, workers); ++w) {
      threads.emplace_back([&work, w] { work(w); });
    }
    work(0);
  }
  if (failure) std::rethrow_exception(failure);
}

int cores_of(const RankInfo& rank) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int cores = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  return std::max(1, cores / std::max(1, rank.local_size));
}

}  // namespace bertha
