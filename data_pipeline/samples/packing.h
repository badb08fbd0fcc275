// Which sequences of a global batch go to a rank, and which lie together in a micro-batch. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "parallel/base/rank_info.h"

namespace bertha {

// Places in a list of sequences, ascending.
using Places = std::vector<std::size_t>;

// About what a sequence of so many tokens takes to train: matrix products grow with its length,
// attention with the square of it.
std::int64_t training_cost(int tokens);

// Shares of about equal training cost: the longest sequence goes first, each to the cheapest share
// so far, so that long ones are spread and shares have about as many tokens too.
std::vector<Places> even_shares(std::span<const int> lengths, std::size_t shares);

// The places of `lengths` (tokens of each sequence) that a rank computes. All ranks together have
// every place once.
Places rank_share(std::span<const int> lengths, const RankInfo& rank);

// Micro-batches of at most `token_budget` tokens (a sequence that is longer stands alone) that
// together have every place once. As few as the tokens allow, up to a multiple of `multiple`, and
// of even cost; where even ones do not fit, which happens when hardly any room is left, they are
// filled tightly instead. Never more of them than sequences.
std::vector<Places> pack(std::span<const int> lengths, std::int64_t token_budget,
                         std::size_t multiple = 1);

// The micro-batches of a global batch, the same for any number of ranks. There are a multiple of
// eight of them, so that up to eight ranks get equal work, or one a sequence where those are fewer.
std::vector<Places> fixed_micro_batches(std::span<const int> lengths, std::int64_t token_budget);

// Which of `count` fixed micro-batches a rank computes: [begin, end). All ranks together have them
// all, in the order of the ranks.
struct MicroBatchRange {
  std::size_t begin = 0, end = 0;
};
MicroBatchRange micro_batches_of(std::size_t count, const RankInfo& rank);

}  // namespace bertha
