// LAMB over a flat space against a plain reference, alone and sharded over ranks.
#include <cmath>
#include <mutex>
#include <vector>

#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/support/thread_communicator.h"
#include "tests/unit/trainer_optim/optimizer_fixture.h"
#include "trainer/optim/flat_views.h"
#include "trainer/optim/parameter_groups.h"

namespace bertha {
namespace {

constexpr double kRate = 0.02, kScale = 0.5;
const OptimizerOptions kOptions{OptimizerName::lamb, 0.9, 0.99, 1e-6, 0.1};

double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

// Algorithm 2 of You et al. 2020 with phi the identity.
void reference_step(Reference& reference, bool decaying, int step) {
  std::vector<double> update;
  for (std::size_t i = 0; i < reference.weights.size(); ++i) {
    update.push_back(reference.direction(i, kOptions, kScale, step) +
                     (decaying ? kOptions.weight_decay * reference.weights[i] : 0.0));
  }
  double ratio = 1;
  if (decaying && norm(reference.weights) > 0 && norm(update) > 0) {
    ratio = norm(reference.weights) / norm(update);
  }
  for (std::size_t i = 0; i < update.size(); ++i) {
    reference.weights[i] -= kRate * ratio * update[i];
  }
}

at::Tensor trained_alone(int steps) {
  const auto space = optimizer_space();
  const auto optimizer = make_optimizer(kOptions, *space, {0, space->size()}, {});
  for (int step = 1; step <= steps; ++step) {
    fill_gradient(*space, step);
    optimizer->step(step, kRate, kScale);
  }
  return space->master().clone();
}

TEST(LambOptimizer, FollowsAReferenceInDouble) {
  const auto space = optimizer_space();
  space->master_view(5).zero_();  // of norm 0: a trust ratio of 1 in the first step
  std::vector<Reference> references;
  for (int p = 0; p < 6; ++p) references.emplace_back(space->master_view(p));
  const auto optimizer = make_optimizer(kOptions, *space, {0, space->size()}, {});
  const std::vector<bool> decaying{true, false, false, true, false, true};
  for (int step = 1; step <= 30; ++step) {
    fill_gradient(*space, step);
    optimizer->step(step, kRate, kScale);
    for (std::size_t p = 0; p < references.size(); ++p) {
      references[p].take_gradient(space->gradient_view(static_cast<int>(p)));
      reference_step(references[p], decaying[p], step);
      ASSERT_LT(references[p].distance(space->master_view(static_cast<int>(p))), rounding_of(step))
          << space->parameters()[p].name << " in step " << step;
    }
  }
}

TEST(LambOptimizer, StandsStillWhereThereIsNoGradient) {
  ParameterSpace space({{"a.weight", {10}}}, Precision::fp32, at::kCPU);
  auto options = kOptions;
  options.weight_decay = 0;
  const auto optimizer = make_optimizer(options, space, {0, space.size()}, {});
  space.master_view(0).fill_(2.0);
  optimizer->step(1, kRate, 1.0);
  EXPECT_TRUE(space.master_view(0).eq(2.0).all().item<bool>());
}

class ShardedLamb : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, ShardedLamb, ::testing::Values(2, 3, 4));

// Parameters cut between ranks get the norms of all their parts.
TEST_P(ShardedLamb, IsUnshardedButForRounding) {
  const auto alone = trained_alone(10);
  const int ranks = GetParam();
  std::mutex mutex;
  auto joined = at::zeros_like(alone);
  testing::run_thread_ranks(ranks, [&](Communicator& communicator) {
    const auto space = optimizer_space();
    const auto blocks = space->size() / kParameterAlignment;
    const int rank = communicator.rank_info().rank;
    const FlatRange owned{blocks * rank / ranks * kParameterAlignment,
                          blocks * (rank + 1) / ranks * kParameterAlignment};
    const auto optimizer = make_optimizer(kOptions, *space, owned, [&](at::Tensor values) {
      EXPECT_EQ(values.scalar_type(), at::kFloat);
      EXPECT_EQ(values.numel(), 12);
      communicator.all_reduce(values, ReduceOp::sum)->wait();
    });
    for (int step = 1; step <= 10; ++step) {
      fill_gradient(*space, step);
      optimizer->step(step, kRate, kScale);
    }
    const std::scoped_lock lock(mutex);
    joined.slice(0, owned.begin, owned.end).copy_(space->master().slice(0, owned.begin, owned.end));
  });
  EXPECT_LT((joined - alone).abs().max().item<float>(), 2e-7);
}

TEST(LambOptimizer, DoesNotSumWhenItOwnsEverything) {
  const auto space = optimizer_space();
  const auto optimizer = make_optimizer(kOptions, *space, {0, space->size()},
                                        [](at::Tensor) { ADD_FAILURE() << "summed over ranks"; });
  fill_gradient(*space, 1);
  optimizer->step(1, kRate, kScale);
}

TEST(LambOptimizer, NeedsASumWhenSharded) {
  const auto space = optimizer_space();
  EXPECT_THROW(make_optimizer(kOptions, *space, {0, 64}, {}), Error);
}

TEST(LambOptimizer, KernelAndAtenOperationsAgree) {
  const auto space = optimizer_space();
  const FlatRange all{0, space->size()};
  const auto views = owned_views(*space, all);
  for (int step = 1; step <= 10; ++step) {
    fill_gradient(*space, step);
    for (const auto& part : parameter_parts(*space, all)) {
      auto options = kOptions;
      if (!part.decays) options.weight_decay = 0;
      const auto slice = views.slice(part.range.begin, part.range.end);
      const auto sums = lamb_moments_by_aten(slice, options, {step, kRate, kScale}).sqrt();
      const double ratio = part.decays ? (sums[0] / sums[1]).item<double>() : 1.0;
      lamb_weights_by_aten(slice, options, step, kRate * ratio);
    }
  }
  EXPECT_LT((space->master() - trained_alone(10)).abs().max().item<float>(), 5e-7);
}

}  // namespace
}  // namespace bertha
