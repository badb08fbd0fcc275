// adamw_update against the formulas of the paper in double, and its independence of threads,
// alignment and vector width.
#include <omp.h>

#include <gtest/gtest.h>

#include "tests/unit/trainer_kernels/moment_buffers.h"
#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

AdamWJob job_on(MomentBuffers& buffers) {
  auto job = buffers.job<AdamWJob>();
  job.learning_rate = 2e-3;
  return job;
}

// Algorithm 2 of Loshchilov & Hutter 2019 with decoupled decay, in double.
struct Expected {
  double weight, first, second;
};
Expected expected_of(const MomentBuffers& before, const AdamWJob& job, std::size_t i) {
  const double gradient = before.gradient[i] * job.gradient_scale;
  const double first = job.beta1 * before.first[i] + (1 - job.beta1) * gradient;
  const double second = job.beta2 * before.second[i] + (1 - job.beta2) * gradient * gradient;
  const double first_hat = first / (1 - std::pow(job.beta1, job.step));
  const double second_hat = second / (1 - std::pow(job.beta2, job.step));
  const double decayed = before.weights[i] * (1 - job.learning_rate * job.weight_decay);
  return {decayed - job.learning_rate * first_hat / (std::sqrt(second_hat) + job.epsilon), first,
          second};
}

TEST(AdamWUpdate, IsThePapersFormula) {
  for (const std::int64_t step : {1, 2, 10, 100000}) {
    for (const double decay : {0.0, 0.01}) {
      MomentBuffers buffers(1003);
      const auto before = buffers;
      auto job = job_on(buffers);
      job.step = step;
      job.weight_decay = decay;
      adamw_update(job);
      for (std::size_t i = 0; i < before.weights.size(); ++i) {
        const auto expected = expected_of(before, job, i);
        const double scale = std::abs(before.first[i]) + std::abs(before.gradient[i]);
        ASSERT_NEAR(buffers.first[i], expected.first, 2e-7 * scale) << i;
        ASSERT_NEAR(buffers.second[i], expected.second, 3e-7 * expected.second) << i;
        const double change = std::abs(expected.weight - before.weights[i]);
        const double bound =
            1.2e-7 * std::abs(before.weights[i]) + 1e-6 * change +
            2e-7 * job.learning_rate * scale / (std::sqrt(expected.second) + 1e-6) + 1e-12;
        ASSERT_NEAR(buffers.weights[i], expected.weight, bound) << i << " in step " << step;
      }
    }
  }
}

// beta2 = 0.999 as a float would be off by 1.3e-5 of 1 - beta2.
TEST(AdamWUpdate, KeepsTheDigitsOfBeta2) {
  MomentBuffers buffers(8);
  const auto before = buffers;
  auto job = job_on(buffers);
  job.gradient_scale = 1;
  for (auto& value : buffers.second) value = 0;
  job.step = 1;
  adamw_update(job);
  for (const std::size_t i : {0U, 1U, 7U}) {
    const double square = static_cast<double>(before.gradient[i]) * before.gradient[i];
    EXPECT_NEAR(buffers.second[i] / (0.001 * square), 1.0, 2e-7);
  }
}

TEST(AdamWUpdate, LeavesElementsThatNeverHadAGradientToTheDecay) {
  MomentBuffers buffers(8);
  const float before = buffers.weights[3];
  adamw_update(job_on(buffers));
  EXPECT_EQ(buffers.first[3], 0.0F);
  EXPECT_EQ(buffers.weights[3], before * static_cast<float>(1 - 2e-3 * 0.01));
}

// Eight at a time or one by one, wherever an element stands: the same bits. Sharding relies on it.
TEST(AdamWUpdate, DoesNotDependOnWhereAnElementStands) {
  MomentBuffers whole(203);
  auto pieces = whole;
  const auto count = static_cast<std::int64_t>(whole.weights.size());
  adamw_update(job_on(whole));
  std::int64_t begin = 0;
  for (std::int64_t size = 1; begin < count; ++size) {
    auto job = job_on(pieces);
    job.weights += begin;
    job.gradient += begin;
    job.first_moment += begin;
    job.second_moment += begin;
    job.count = std::min(size, count - begin);
    adamw_update(job);
    begin += job.count;
  }
  EXPECT_TRUE(whole == pieces);
}

TEST(AdamWUpdate, IsTheSameForAnyNumberOfThreads) {
  MomentBuffers one(100'001);
  auto five = one;
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  adamw_update(job_on(one));
  omp_set_num_threads(5);
  adamw_update(job_on(five));
  omp_set_num_threads(before);
  EXPECT_TRUE(one == five);
}

TEST(AdamWUpdate, DoesNothingToNothing) {
  MomentBuffers buffers(0);
  adamw_update(job_on(buffers));
}

}  // namespace
}  // namespace bertha
