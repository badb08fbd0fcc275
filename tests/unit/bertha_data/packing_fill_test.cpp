// The fill that packing promises: 99.3 % at 512 on MLPerf's lengths.
#include "tests/support/packing_fill.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "data_pipeline/batch_stream.h"

namespace bertha {
namespace {

constexpr double kPromised = 99.3;
constexpr std::uint32_t kBatches = 4;

// The published mean, within what so many draws vary by; and the share at the limit.
TEST(PackingFill, LengthsAreMlperfs) {
  const auto lengths = mlperf_lengths(200'000, 0);
  const auto sum = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  EXPECT_NEAR(static_cast<double>(sum) / 200'000, 255.8, 2);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(lengths, 512)) / 200'000, 0.22, 0.02);
}

TEST(PackingFill, TheDefaultBudgetIsFilledWhereARankHasEnough) {
  const auto budget = BatchOptions{}.micro_batch_tokens;
  EXPECT_GE(mean_fill(4096, 1, budget, kBatches), kPromised);
  EXPECT_GE(mean_fill(32768, 1, budget, 1), kPromised);
  EXPECT_GE(mean_fill(32768, 8, budget, kBatches), kPromised);
}

TEST(PackingFill, RowsOf512AreFilledAsMlperfPacksThem) {
  EXPECT_GE(mean_fill(768, 1, 512, kBatches), kPromised);
  EXPECT_GE(mean_fill(4096, 8, 512, kBatches), kPromised);
}

// What is not filled is the remainder of a rank's share, which no packer could use.
TEST(PackingFill, NoMicroBatchIsMadeThatTheTokensDoNotNeed) {
  for (const int world : {1, 8}) {
    for (const std::int64_t budget : {4096, 8192, 32768}) {
      const auto lengths = mlperf_lengths(4096, 7);
      for (int rank = 0; rank < world; ++rank) {
        std::vector<int> own;
        std::int64_t tokens = 0;
        for (const auto place : rank_share(lengths, {rank, world, 0, 1})) {
          own.push_back(lengths[place]);
          tokens += own.back();
        }
        const auto fewest = static_cast<std::size_t>((tokens + budget - 1) / budget);
        EXPECT_LE(pack(own, budget).size(), fewest + 1) << world << " ranks, " << budget;
      }
    }
  }
}

}  // namespace
}  // namespace bertha
