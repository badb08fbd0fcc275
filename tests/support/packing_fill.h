// How full micro-batches are on MLPerf's lengths, as ranks share a global batch and pack it.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "data_pipeline/samples/packing.h"
#include "parallel/base/philox.h"
#include "tests/support/mlperf_lengths.h"

namespace bertha {

inline std::vector<int> mlperf_lengths(std::size_t count, std::uint32_t batch) {
  Philox random(1, RandomPurpose::sample_order, count, batch);
  std::vector<int> lengths(count);
  for (auto& length : lengths) length = mlperf_length(random.next_double());
  return lengths;
}

// Tokens of all micro-batches of so many global batches, per cent of those with room for.
inline double mean_fill(std::size_t global_batch, int world, std::int64_t budget,
                        std::uint32_t batches = 16) {
  std::int64_t tokens = 0, room = 0;
  for (std::uint32_t batch = 0; batch < batches; ++batch) {
    const auto lengths = mlperf_lengths(global_batch, batch);
    tokens += std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    for (int rank = 0; rank < world; ++rank) {
      std::vector<int> own;
      for (const auto place : rank_share(lengths, {rank, world, 0, 1})) {
        own.push_back(lengths[place]);
      }
      room += static_cast<std::int64_t>(pack(own, budget).size()) * budget;
    }
  }
  return 100 * static_cast<double>(tokens) / static_cast<double>(room);
}

}  // namespace bertha
