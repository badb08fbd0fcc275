// Cuts at multiples of the alignment, or at the parameter border next to them.
#include "trainer/optim/sharding.h"

#include <cstdlib>
#include <vector>

namespace bertha {
namespace {

// The parameter border next to a place of the flat space.
std::int64_t nearest_border(const FlatOutline& space, std::int64_t place) {
  std::int64_t nearest = 0;
  for (const auto offset : space.offsets) {
    if (std::abs(offset - place) < std::abs(nearest - place)) nearest = offset;
  }
  return std::abs(space.size - place) < std::abs(nearest - place) ? space.size : nearest;
}

std::int64_t cut(const FlatOutline& space, std::int64_t rank, std::int64_t world,
                 Sharding sharding) {
  if (rank == world) return space.size;
  const auto even = space.size / kParameterAlignment * rank / world * kParameterAlignment;
  return sharding == Sharding::even ? even : nearest_border(space, even);
}

}  // namespace

FlatRange owned_range(const ParameterSpace& space, const RankInfo& rank, Sharding sharding) {
  std::vector<std::int64_t> offsets;
  for (const auto& info : space.parameters()) offsets.push_back(info.offset);
  return owned_range(FlatOutline{offsets, space.size()}, rank, sharding);
}

FlatRange owned_range(const FlatOutline& space, const RankInfo& rank, Sharding sharding) {
  if (sharding == Sharding::none) return {0, space.size};
  return {cut(space, rank.rank, rank.world_size, sharding),
          cut(space, rank.rank + 1, rank.world_size, sharding)};
}

}  // namespace bertha
