// Shards cover the flat space, for any number of ranks.
#include "trainer/optim/sharding.h"

#include <gtest/gtest.h>

#include "tests/unit/trainer_optim/optimizer_fixture.h"

namespace bertha {
namespace {

TEST(Sharding, CoversTheSpaceOnce) {
  const auto space = optimizer_space();
  for (const auto sharding : {Sharding::even, Sharding::whole_parameters}) {
    for (int world = 1; world <= 9; ++world) {
      std::int64_t next = 0;
      for (int rank = 0; rank < world; ++rank) {
        const auto range = owned_range(*space, {rank, world, 0, 1}, sharding);
        EXPECT_EQ(range.begin, next);
        EXPECT_GE(range.end, range.begin);
        next = range.end;
      }
      EXPECT_EQ(next, space->size());
    }
  }
  EXPECT_EQ(owned_range(*space, {1, 2, 0, 1}, Sharding::none), (FlatRange{0, space->size()}));
}

TEST(Sharding, LeavesParametersWhole) {
  const auto space = optimizer_space();
  for (int world = 1; world <= 9; ++world) {
    for (int rank = 0; rank < world; ++rank) {
      const auto range = owned_range(*space, {rank, world, 0, 1}, Sharding::whole_parameters);
      for (const auto& info : space->parameters()) {
        const bool begins = info.offset >= range.begin && info.offset < range.end;
        const auto last = info.offset + info.elements - 1;
        EXPECT_EQ(begins, last >= range.begin && last < range.end) << info.name;
      }
    }
  }
}

}  // namespace
}  // namespace bertha
