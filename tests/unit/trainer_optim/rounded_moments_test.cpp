// Optimizers whose moments are bf16: half the memory, the same bits however they are sharded.
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_optim/optimizer_fixture.h"

namespace bertha {
namespace {

OptimizerOptions options_of(OptimizerName name, std::uint64_t seed = 3) {
  OptimizerOptions options{name, 0.9, 0.99, 1e-6, 0.1};
  options.moments = MomentPrecision::bf16;
  options.seed = seed;
  return options;
}

struct Trained {
  at::Tensor weights, first, second;
};

Trained train(Optimizer& optimizer, ParameterSpace& space, int steps) {
  for (int step = 1; step <= steps; ++step) {
    fill_gradient(space, step);
    optimizer.step(step, 0.02, 0.5);
  }
  const auto moments = optimizer.moments();
  return {space.master().clone(), moments[0].values.clone(), moments[1].values.clone()};
}

Trained train_alone(const OptimizerOptions& options, int steps = 10) {
  const auto space = optimizer_space();
  const auto optimizer = make_optimizer(options, *space, {0, space->size()}, {});
  return train(*optimizer, *space, steps);
}

class RoundedOptimizer : public ::testing::TestWithParam<OptimizerName> {};
INSTANTIATE_TEST_SUITE_P(Names, RoundedOptimizer,
                         ::testing::Values(OptimizerName::adamw, OptimizerName::lamb));

TEST_P(RoundedOptimizer, KeepsMomentsInBf16CloseToThoseOfFp32) {
  auto options = options_of(GetParam());
  const auto rounded = train_alone(options);
  options.moments = MomentPrecision::fp32;
  const auto exact = train_alone(options);
  EXPECT_EQ(rounded.first.scalar_type(), at::kBFloat16);
  EXPECT_EQ(rounded.second.scalar_type(), at::kBFloat16);
  const auto distance = [](const at::Tensor& a, const at::Tensor& b) {
    return ((a.to(at::kFloat) - b).norm() / b.norm()).item<double>();
  };
  // A rounding moves a value by 2^-8 of it on average at most; ten, at random, by sqrt(10) times
  // that.
  EXPECT_LT(distance(rounded.first, exact.first), 0.02);
  EXPECT_LT(distance(rounded.second, exact.second), 0.02);
  EXPECT_LT(distance(rounded.weights, exact.weights), 0.01);
  EXPECT_FALSE(at::equal(rounded.weights, exact.weights));
}

TEST_P(RoundedOptimizer, RepeatsItselfForASeed) {
  const auto once = train_alone(options_of(GetParam())),
             again = train_alone(options_of(GetParam()));
  EXPECT_TRUE(at::equal(once.weights, again.weights));
  const auto other = train_alone(options_of(GetParam(), 4));
  EXPECT_FALSE(at::equal(once.second, other.second));
}

// Shards at multiples of the alignment, which cut parameters. LAMB's norms are added up in another
// order then, hence its weights within rounding.
TEST_P(RoundedOptimizer, IsTheSameWhenSharded) {
  const auto alone = train_alone(options_of(GetParam()));
  for (const int ranks : {2, 3, 4}) {
    std::mutex mutex;
    Trained joined{at::zeros_like(alone.weights), at::zeros_like(alone.first),
                   at::zeros_like(alone.second)};
    testing::run_thread_ranks(ranks, [&](Communicator& communicator) {
      const auto space = optimizer_space();
      const auto blocks = space->size() / kParameterAlignment;
      const int rank = communicator.rank_info().rank;
      const FlatRange owned{blocks * rank / ranks * kParameterAlignment,
                            blocks * (rank + 1) / ranks * kParameterAlignment};
      const auto optimizer = make_optimizer(
          options_of(GetParam()), *space, owned,
          [&](at::Tensor values) { communicator.all_reduce(values, ReduceOp::sum)->wait(); });
      const auto mine = train(*optimizer, *space, 10);
      const std::scoped_lock lock(mutex);
      const auto place = [&](const at::Tensor& all) {
        return all.slice(0, owned.begin, owned.end);
      };
      place(joined.weights).copy_(place(mine.weights));
      place(joined.first).copy_(mine.first);
      place(joined.second).copy_(mine.second);
    });
    EXPECT_TRUE(at::equal(joined.first, alone.first)) << ranks;
    EXPECT_TRUE(at::equal(joined.second, alone.second)) << ranks;
    const double bound = GetParam() == OptimizerName::adamw ? 0 : 2e-7;
    EXPECT_LE((joined.weights - alone.weights).abs().max().item<double>(), bound) << ranks;
  }
}

// Weights and moments are all there is: the rounding of a step depends on its number.
TEST_P(RoundedOptimizer, GoesOnWithTheSameBits) {
  const auto whole = train_alone(options_of(GetParam()));
  const auto half = train_alone(options_of(GetParam()), 6);
  const auto space = optimizer_space();
  const auto optimizer = make_optimizer(options_of(GetParam()), *space, {0, space->size()}, {});
  space->master().copy_(half.weights);
  optimizer->moments()[0].values.copy_(half.first);
  optimizer->moments()[1].values.copy_(half.second);
  for (int step = 7; step <= 10; ++step) {
    fill_gradient(*space, step);
    optimizer->step(step, 0.02, 0.5);
  }
  EXPECT_TRUE(at::equal(space->master(), whole.weights));
  EXPECT_TRUE(at::equal(optimizer->moments()[1].values, whole.second));
}

}  // namespace
}  // namespace bertha
