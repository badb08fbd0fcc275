// AdamW over a flat space: groups, moments, sharding, and the same on ATen operations.
#include <omp.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "tests/unit/trainer_optim/optimizer_fixture.h"
#include "trainer/optim/flat_views.h"
#include "trainer/optim/parameter_groups.h"

namespace bertha {
namespace {

constexpr double kRate = 0.01, kScale = 0.5;
const OptimizerOptions kOptions{OptimizerName::adamw, 0.9, 0.99, 1e-6, 0.1};

void train(ParameterSpace& space, std::vector<Optimizer*> optimizers, int from, int to) {
  for (int step = from; step <= to; ++step) {
    fill_gradient(space, step);
    for (auto* optimizer : optimizers) optimizer->step(step, kRate, kScale);
  }
}

TEST(AdamW, FollowsAReferenceInDouble) {
  const auto space = optimizer_space();
  std::vector<Reference> references;
  for (int p = 0; p < 6; ++p) references.emplace_back(space->master_view(p));
  const auto optimizer = make_optimizer(kOptions, *space, {0, space->size()}, {});
  const std::vector<bool> decaying{true, false, false, true, false, true};
  for (int step = 1; step <= 30; ++step) {
    train(*space, {optimizer.get()}, step, step);
    for (std::size_t p = 0; p < references.size(); ++p) {
      auto& reference = references[p];
      reference.take_gradient(space->gradient_view(static_cast<int>(p)));
      for (std::size_t i = 0; i < reference.weights.size(); ++i) {
        const double decay = decaying[p] ? kOptions.weight_decay : 0.0;
        reference.weights[i] -= kRate * decay * reference.weights[i];
        reference.weights[i] -= kRate * reference.direction(i, kOptions, kScale, step);
      }
      ASSERT_LT(reference.distance(space->master_view(static_cast<int>(p))), rounding_of(step))
          << space->parameters()[p].name << " in step " << step;
    }
  }
}

TEST(AdamW, LeavesGapsZero) {
  const auto space = optimizer_space();
  const auto optimizer = make_optimizer(kOptions, *space, {0, space->size()}, {});
  train(*space, {optimizer.get()}, 1, 3);
  auto outside = at::ones({space->size()}, at::kBool);
  for (const auto& info : space->parameters()) {
    outside.narrow(0, info.offset, info.elements).fill_(false);
  }
  EXPECT_GT(outside.sum().item<std::int64_t>(), 0);
  EXPECT_TRUE(space->master().masked_select(outside).eq(0).all().item<bool>());
  for (const auto& moment : optimizer->moments()) {
    EXPECT_TRUE(moment.values.masked_select(outside).eq(0).all().item<bool>()) << moment.name;
  }
}

TEST(AdamW, ShardedIsUnshardedBitForBit) {
  const auto whole = optimizer_space(), cut = optimizer_space();
  const auto one = make_optimizer(kOptions, *whole, {0, whole->size()}, {});
  const auto first = make_optimizer(kOptions, *cut, {0, 448}, {});
  const auto middle = make_optimizer(kOptions, *cut, {448, 1024}, {});
  const auto nothing = make_optimizer(kOptions, *cut, {1024, 1024}, {});
  const auto last = make_optimizer(kOptions, *cut, {1024, cut->size()}, {});
  train(*whole, {one.get()}, 1, 10);
  train(*cut, {first.get(), middle.get(), nothing.get(), last.get()}, 1, 10);
  EXPECT_TRUE(at::equal(whole->master(), cut->master()));
  EXPECT_TRUE(at::equal(one->moments()[1].values.slice(0, 448, 1024), middle->moments()[1].values));
  EXPECT_EQ(middle->owned(), (FlatRange{448, 1024}));
  EXPECT_EQ(nothing->moments()[0].values.numel(), 0);
}

TEST(AdamW, GoesOnFromItsMoments) {
  const auto whole = optimizer_space(), resumed = optimizer_space();
  const auto one = make_optimizer(kOptions, *whole, {0, whole->size()}, {});
  train(*whole, {one.get()}, 1, 5);
  resumed->master().copy_(whole->master());
  const auto two = make_optimizer(kOptions, *resumed, {0, whole->size()}, {});
  ASSERT_EQ(two->moments().size(), 2U);
  EXPECT_EQ(two->moments()[0].name, "exp_avg");
  EXPECT_EQ(two->moments()[1].name, "exp_avg_sq");
  for (std::size_t i = 0; i < 2; ++i) two->moments()[i].values.copy_(one->moments()[i].values);
  train(*whole, {one.get()}, 6, 10);
  train(*resumed, {two.get()}, 6, 10);
  EXPECT_TRUE(at::equal(whole->master(), resumed->master()));
}

TEST(AdamW, IsTheSameForAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  std::vector<at::Tensor> results;
  for (const int threads : {1, 4}) {
    omp_set_num_threads(threads);
    ParameterSpace space({{"a.weight", {300, 301}}, {"a.bias", {50'000}}}, Precision::fp32,
                         at::kCPU);
    space.initialize(0.02, 1);
    fill_gradient(space, 1);
    make_optimizer(kOptions, space, {0, space.size()}, {})->step(1, kRate, kScale);
    results.push_back(space.master().clone());
  }
  omp_set_num_threads(before);
  EXPECT_TRUE(at::equal(results[0], results[1]));
}

// The operations used on other devices, here on the CPU beside the kernel.
TEST(AdamW, KernelAndAtenOperationsAgree) {
  const auto ours = optimizer_space(), theirs = optimizer_space();
  const FlatRange all{0, ours->size()};
  const auto optimizer = make_optimizer(kOptions, *ours, all, {});
  const auto views = owned_views(*theirs, all);
  for (int step = 1; step <= 10; ++step) {
    train(*ours, {optimizer.get()}, step, step);
    fill_gradient(*theirs, step);
    for (const auto& run : decay_runs(*theirs, all)) {
      auto options = kOptions;
      if (!run.decays) options.weight_decay = 0;
      adamw_by_aten(views.slice(run.range.begin, run.range.end), options, {step, kRate, kScale});
    }
  }
  EXPECT_LT((ours->master() - theirs->master()).abs().max().item<float>(), 2e-7);
}

TEST(Optimizer, RefusesNumbersThatMakeNoSense) {
  const auto space = optimizer_space();
  const auto refused = [&](auto change) {
    auto options = kOptions;
    change(options);
    try {
      make_optimizer(options, *space, {0, space->size()}, {});
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.message();
    }
  };
  EXPECT_THAT(refused([](auto& o) { o.beta1 = 1.0; }), testing::HasSubstr("optimizer.beta1 = 1"));
  EXPECT_THAT(refused([](auto& o) { o.beta2 = -0.1; }), testing::HasSubstr("optimizer.beta2"));
  EXPECT_THAT(refused([](auto& o) { o.beta2 = NAN; }), testing::HasSubstr("optimizer.beta2"));
  EXPECT_THAT(refused([](auto& o) { o.epsilon = 0; }), testing::HasSubstr("optimizer.epsilon"));
  EXPECT_THAT(refused([](auto& o) { o.weight_decay = -1; }), testing::HasSubstr("weight_decay"));
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_THROW(make_optimizer(kOptions, *space, {0, space->size() + 1}, {}), Error);
}

}  // namespace
}  // namespace bertha
