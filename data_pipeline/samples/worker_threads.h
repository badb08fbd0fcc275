// Shares the elements of a loop among threads.
#pragma once

#include <cstddef>
#include <functional>

#include "parallel/base/rank_info.h"

namespace bertha {

// Calls body(worker, begin, end) for blocks of [0, count), each element in one block, on up to
// `workers` threads (this one is among them; 1 or less: no other). `worker` counts from 0 and is
// never busy twice at once, so it may index scratch memory. Blocks are of `block` elements, taken
// as threads come free. The first exception stops the loop and is thrown here.
using LoopBody = std::function<void(std::size_t worker, std::size_t begin, std::size_t end)>;
void for_each_block(std::size_t count, std::size_t block, int workers, const LoopBody& body);

// How many workers for_each_block would use: what scratch memory must be there for.
std::size_t worker_count(std::size_t count, std::size_t block, int workers);

// Cores that this process may use, shared among the ranks of its node.
int cores_of(const RankInfo& rank);

}  // namespace bertha
