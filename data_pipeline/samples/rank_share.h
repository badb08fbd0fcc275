// Which sequences of a global batch a rank computes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "parallel/base/rank_info.h"

namespace bertha {

// Places in `lengths` (tokens of each sequence), ascending. The longest sequence goes first, each
// to the rank with the fewest tokens so far, so ranks differ by less than one sequence. All ranks
// together have every place once.
std::vector<std::size_t> rank_share(std::span<const int> lengths, const RankInfo& rank);

// The micro-batches of a global batch, as places in `lengths`, ascending in each: the same for any
// number of ranks. Each holds about `token_budget` tokens or less; there are a multiple of eight of
// them, so that up to eight ranks get equal work, or one a sequence where those are fewer.
std::vector<std::vector<std::size_t>> fixed_micro_batches(std::span<const int> lengths,
                                                          std::int64_t token_budget);

// Which of `count` fixed micro-batches a rank computes: [begin, end). All ranks together have them
// all, in the order of the ranks.
struct MicroBatchRange {
  std::size_t begin = 0, end = 0;
};
MicroBatchRange micro_batches_of(std::size_t count, const RankInfo& rank);

}  // namespace bertha
