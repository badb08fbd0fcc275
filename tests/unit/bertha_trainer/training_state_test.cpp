// Who writes which moments: together all of them, each once.
#include "trainer/training_state.h"

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(MomentsToWrite, AreSharedWithoutGapsWhenEveryRankHoldsAll) {
  for (const std::int64_t size : {64, 1000, 110'000'000}) {
    for (int ranks = 1; ranks <= 9; ++ranks) {
      std::int64_t place = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const auto range = moments_to_write(size, {0, size}, {rank, ranks, 0, 1});
        EXPECT_EQ(range.begin, place) << rank << " of " << ranks;
        EXPECT_GE(range.end, range.begin);
        place = range.end;
      }
      EXPECT_EQ(place, size) << ranks;
    }
  }
}

// Weights count one, both moments two: 2 ranks write 1.5 each, so rank 0 a quarter of the moments.
TEST(MomentsToWrite, LeaveRankZeroTimeForTheWeights) {
  EXPECT_EQ(moments_to_write(800, {0, 800}, {0, 1, 0, 1}), (FlatRange{0, 800}));
  EXPECT_EQ(moments_to_write(800, {0, 800}, {0, 2, 0, 1}), (FlatRange{0, 200}));
  EXPECT_EQ(moments_to_write(800, {0, 800}, {1, 2, 0, 1}), (FlatRange{200, 800}));
  EXPECT_EQ(moments_to_write(800, {0, 800}, {0, 4, 0, 1}), (FlatRange{0, 0}));
}

TEST(MomentsToWrite, AreThoseARankOwnsWhenTheOptimizerIsSharded) {
  EXPECT_EQ(moments_to_write(800, {128, 256}, {1, 4, 0, 1}), (FlatRange{128, 256}));
}

}  // namespace
}  // namespace bertha
