// On which NUMA nodes the ranks of a machine run, and whether they could lie better. Says nothing
// of machines with one node.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "launch/rank_places.h"

namespace bertha {

// The nodes of which a core is among `cores`, with these cores only.
NumaNodes within(const NumaNodes& nodes, const std::vector<int>& cores);

// `ranks` are those of one machine, ascending. "ranks on a1: 0-3 on NUMA node 0, 4-7 on node 1".
std::string describe_numa(const std::vector<RankPlace>& places,
                          const std::vector<std::size_t>& ranks);

// One thing at most: two ranks on one node while another is empty, or (on CPUs) ranks that may run
// on several nodes though each could have one to itself, or share it with equally many.
std::string warn_of_numa(const std::vector<RankPlace>& places,
                         const std::vector<std::size_t>& ranks);

}  // namespace bertha
