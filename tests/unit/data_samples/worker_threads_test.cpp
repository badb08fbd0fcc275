// Threads that take blocks from a common counter.
#include "data_pipeline/samples/worker_threads.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(WorkerThreads, VisitEverythingOnce) {
  for (const int workers : {-1, 1, 2, 5}) {
    for (const std::size_t count : {0, 1, 7, 64, 1001}) {
      std::vector<std::atomic<int>> visits(count);
      const auto most = worker_count(count, 8, workers);
      std::vector<std::atomic<int>> busy(most);
      for_each_block(count, 8, workers,
                     [&](std::size_t worker, std::size_t begin, std::size_t end) {
                       ASSERT_LT(worker, most);
                       EXPECT_EQ(busy[worker]++, 0);
                       for (auto i = begin; i < end; ++i) ++visits[i];
                       --busy[worker];
                     });
      for (const auto& visit : visits) EXPECT_EQ(visit, 1);
    }
  }
}

TEST(WorkerThreads, ThrowWhatABlockThrows) {
  for (const int workers : {1, 3}) {
    std::atomic<int> blocks{0};
    EXPECT_THROW(for_each_block(100'000, 1, workers,
                                [&](std::size_t, std::size_t begin, std::size_t) {
                                  ++blocks;
                                  if (begin == 10) throw std::runtime_error("block");
                                }),
                 std::runtime_error);
    if (workers == 1) {
      EXPECT_EQ(blocks, 11);
    }
  }
}

}  // namespace
}  // namespace bertha
