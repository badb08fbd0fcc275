// sum_of_squares: exact where the sum is exact, and the same for any number of threads.
#include <cmath>
#include <limits>
#include <omp.h>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

TEST(SumOfSquares, IsExactForWholeNumbers) {
  for (const std::int64_t count : {0, 1, 15, 16, 17, 32768, 32769, 100'001}) {
    std::vector<float> values;
    std::int64_t expected = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t value = i * 7919 % 2001 - 1000;
      values.push_back(static_cast<float>(value));
      expected += value * value;
    }
    EXPECT_EQ(sum_of_squares(values.data(), count), static_cast<double>(expected)) << count;
  }
}

TEST(SumOfSquares, HoldsValuesWhoseSquaresNoFloatCanHold) {
  const std::vector<float> values{3e30F, 4e30F, 3e-30F};
  const double expected = static_cast<double>(3e30F) * 3e30F + static_cast<double>(4e30F) * 4e30F;
  EXPECT_DOUBLE_EQ(sum_of_squares(values.data(), 3), expected);
  const float tiny = 1e-30F;
  EXPECT_DOUBLE_EQ(sum_of_squares(&tiny, 1), static_cast<double>(tiny) * tiny);
}

TEST(SumOfSquares, IsTheSameForAnyNumberOfThreads) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(1'000'003);
  for (auto& value : values) value = normal(random);
  const auto count = static_cast<std::int64_t>(values.size());
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const double one = sum_of_squares(values.data(), count);
  for (const int threads : {2, 3, 7}) {
    omp_set_num_threads(threads);
    EXPECT_EQ(sum_of_squares(values.data(), count), one) << threads;
  }
  omp_set_num_threads(before);
  EXPECT_NEAR(one / static_cast<double>(count), 1.0, 5 * std::sqrt(2.0 / 1e6));
}

TEST(SumOfSquares, PassesOnWhatIsNotFinite) {
  std::vector<float> values(100'000, 1.0F);
  values[77'777] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(sum_of_squares(values.data(), 100'000)));
  values[77'777] = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(sum_of_squares(values.data(), 100'000)));
}

}  // namespace
}  // namespace bertha
