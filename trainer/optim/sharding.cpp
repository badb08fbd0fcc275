// Cuts at multiples of the alignment, or at the parameter border next to them.
#include "trainer/optim/sharding.h"

#include <cstdlib>

namespace bertha {
namespace {

// The parameter border next to a place of the flat space.
std::int64_t nearest_border(const ParameterSpace& space, std::int64_t place) {
  std::int64_t nearest = 0;
  for (const auto& info : space.parameters()) {
    if (std::abs(info.offset - place) < std::abs(nearest - place)) nearest = info.offset;
  }
  return std::abs(space.size() - place) < std::abs(nearest - place) ? space.size() : nearest;
}

std::int64_t cut(const ParameterSpace& space, std::int64_t rank, std::int64_t world,
                 Sharding sharding) {
  if (rank == world) return space.size();
  const auto even = space.size() / kParameterAlignment * rank / world * kParameterAlignment;
  return sharding == Sharding::even ? even : nearest_border(space, even);
}

}  // namespace

FlatRange owned_range(const ParameterSpace& space, const RankInfo& rank, Sharding sharding) {
  if (sharding == Sharding::none) return {0, space.size()};
  return {cut(space, rank.rank, rank.world_size, sharding),
          cut(space, rank.rank + 1, rank.world_size, sharding)};
}

}  // namespace bertha
