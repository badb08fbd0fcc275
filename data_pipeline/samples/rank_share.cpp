// Longest first, to the least loaded rank; ties go to the earlier place and the lower rank.
#include "data_pipeline/samples/rank_share.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

namespace bertha {

std::vector<std::size_t> rank_share(std::span<const int> lengths, const RankInfo& rank) {
  std::vector<std::size_t> places(lengths.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (rank.world_size <= 1) return places;
  std::stable_sort(places.begin(), places.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] > lengths[b]; });
  using Load = std::pair<std::int64_t, int>;  // tokens, rank
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (int r = 0; r < rank.world_size; ++r) loads.emplace(0, r);
  std::vector<std::size_t> share;
  for (const auto place : places) {
    const auto [tokens, receiver] = loads.top();
    loads.pop();
    loads.emplace(tokens + lengths[place], receiver);
    if (receiver == rank.rank) share.push_back(place);
  }
  std::sort(share.begin(), share.end());
  return share;
}

}  // namespace bertha
