// Which sequences of a global batch a rank computes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "parallel/base/rank_info.h"

namespace bertha {

// Places in `lengths` (tokens of each sequence), ascending. The longest sequence goes first, each
// to the rank with the fewest tokens so far, so ranks differ by less than one sequence. All ranks
// together have every place once.
std::vector<std::size_t> rank_share(std::span<const int> lengths, const RankInfo& rank);

}  // namespace bertha
