// Scores of predictions that are no numbers; those of numbers are compared with scikit-learn's and
// SciPy's in the parity tests.
#include "trainer/tasks/scores.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace bertha {
namespace {

TEST(RegressionScores, OfNoNumbersAreNone) {
  const std::vector<double> values{1, 2, 3};
  for (const double odd :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto scores = regression_scores(std::vector<double>{1, odd, 2}, values);
    EXPECT_EQ(scores[0].first, "pearson");
    EXPECT_TRUE(std::isnan(scores[0].second));
    EXPECT_EQ(scores[2].first, "mean_squared_error");
    EXPECT_FALSE(std::isfinite(scores[2].second));
  }
  const std::vector<double> nothing(3, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(std::isnan(regression_scores(nothing, values)[1].second));  // spearman; and it ends
}

// As SciPy warns of and Transformers' users expect: no correlation, and not an error.
TEST(RegressionScores, OfOneValueAreZero) {
  const std::vector<double> same(3, 2.5), values{1, 2, 3};
  EXPECT_EQ(regression_scores(same, values)[0].second, 0);
  EXPECT_EQ(regression_scores(same, values)[1].second, 0);
}

}  // namespace
}  // namespace bertha
