// A GPU of its own for every rank, whatever each of them sees.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bertha {

struct GpuMatching {
  std::vector<int> gpus;               // by rank: which of those it sees; -1: it sees none
  std::optional<std::size_t> without;  // the first rank for which there is none, if any
  std::size_t rival = 0;               // then: the rank that has the first GPU it sees
};

// `seen`: ids of the GPUs that each rank sees. A rank takes the first that is free; where none is,
// ranks before it move to others that they see, as far as that makes room for all.
GpuMatching match_gpus(const std::vector<std::vector<std::string>>& seen);

}  // namespace bertha
