// Which part of the flat space a rank's optimizer updates.
#pragma once

#include <cstdint>
#include <span>

#include "parallel/base/rank_info.h"
#include "parallel/bucket_plan.h"
#include "trainer/model/parameter_space.h"

namespace bertha {

enum class Sharding {
  none,             // every rank updates everything
  even,             // equal parts, which may cut a parameter
  whole_parameters  // about equal parts; sums over a parameter, as LAMB's, are one rank's alone
};

// Together the ranges of all ranks cover the space, without overlap unless there is no sharding.
FlatRange owned_range(const ParameterSpace& space, const RankInfo& rank, Sharding sharding);

// The same of a space of `size` elements whose parameters begin at `offsets`, ascending.
struct FlatOutline {
  std::span<const std::int64_t> offsets;
  std::int64_t size = 0;
};
FlatRange owned_range(const FlatOutline& space, const RankInfo& rank, Sharding sharding);

}  // namespace bertha
