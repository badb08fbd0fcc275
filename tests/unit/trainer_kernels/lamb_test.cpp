// LAMB's two passes against the formulas of the paper in double.
#include <omp.h>

#include <gtest/gtest.h>

#include "tests/unit/trainer_kernels/moment_buffers.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

struct Expected {
  std::vector<double> update;
  double weight_squares = 0, update_squares = 0;
};

// You et al. 2020, algorithm 2, up to the trust ratio.
Expected expected_of(const MomentBuffers& before, const LambJob& job) {
  Expected expected;
  for (std::size_t i = 0; i < before.weights.size(); ++i) {
    const double gradient = before.gradient[i] * job.gradient_scale;
    const double first = job.beta1 * before.first[i] + (1 - job.beta1) * gradient;
    const double second = job.beta2 * before.second[i] + (1 - job.beta2) * gradient * gradient;
    const double first_hat = first / (1 - std::pow(job.beta1, job.step));
    const double second_hat = second / (1 - std::pow(job.beta2, job.step));
    const double update =
        first_hat / (std::sqrt(second_hat) + job.epsilon) + job.weight_decay * before.weights[i];
    expected.update.push_back(update);
    expected.weight_squares += static_cast<double>(before.weights[i]) * before.weights[i];
    expected.update_squares += update * update;
  }
  return expected;
}

TEST(Lamb, IsThePapersFormula) {
  for (const std::size_t count : {1U, 7U, 8U, 203U, 40000U}) {
    for (const std::int64_t step : {1, 7, 100000}) {
      MomentBuffers buffers(count);
      const auto before = buffers;
      auto job = buffers.job<LambJob>();
      job.step = step;
      const auto expected = expected_of(before, job);
      const auto sums = lamb_moments(job);
      EXPECT_EQ(buffers.weights, before.weights) << "the first pass touches moments only";
      EXPECT_NEAR(sums.weights, expected.weight_squares, 1e-12 * expected.weight_squares);
      EXPECT_NEAR(sums.update, expected.update_squares, 1e-6 * expected.update_squares);
      const auto moments = buffers;
      lamb_weights(job, 3e-3);
      EXPECT_EQ(buffers.first, moments.first) << "the second pass touches weights only";
      EXPECT_EQ(buffers.second, moments.second);
      double error = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double wanted = before.weights[i] - 3e-3 * expected.update[i];
        error = std::max(error, std::abs(buffers.weights[i] - wanted));
      }
      EXPECT_LT(error, 5e-8) << count << " elements, step " << step;
    }
  }
}

TEST(Lamb, MomentsAreThoseOfAdamW) {
  MomentBuffers lamb(203);
  auto adamw = lamb;
  lamb_moments(lamb.job<LambJob>());
  adamw_update(adamw.job<AdamWJob>());
  EXPECT_EQ(lamb.first, adamw.first);
  EXPECT_EQ(lamb.second, adamw.second);
}

TEST(Lamb, IsTheSameForAnyNumberOfThreads) {
  MomentBuffers one(100'001);
  auto five = one;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto sums_of_one = lamb_moments(one.job<LambJob>());
  lamb_weights(one.job<LambJob>(), 0.1);
  omp_set_num_threads(5);
  const auto sums_of_five = lamb_moments(five.job<LambJob>());
  lamb_weights(five.job<LambJob>(), 0.1);
  omp_set_num_threads(before);
  EXPECT_TRUE(one == five);
  EXPECT_EQ(sums_of_one.weights, sums_of_five.weights);
  EXPECT_EQ(sums_of_one.update, sums_of_five.update);
}

// Whatever cuts the weights into vectors of eight: the same elements give the same new weights.
TEST(Lamb, DoesNotDependOnWhereAnElementStands) {
  MomentBuffers whole(203);
  auto shifted = whole;
  for (auto* values : {&shifted.weights, &shifted.gradient, &shifted.first, &shifted.second}) {
    values->erase(values->begin(), values->begin() + 5);
  }
  lamb_moments(whole.job<LambJob>());
  lamb_weights(whole.job<LambJob>(), 0.1);
  lamb_moments(shifted.job<LambJob>());
  lamb_weights(shifted.job<LambJob>(), 0.1);
  EXPECT_TRUE(
      std::equal(shifted.weights.begin(), shifted.weights.end(), whole.weights.begin() + 5));
}

}  // namespace
}  // namespace bertha
