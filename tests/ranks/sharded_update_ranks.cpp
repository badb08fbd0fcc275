// A sharded optimizer's training step over MPI: weights and moments are to the bit those of an
// unsharded one, on as many ranks as there are.
#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "parallel/watched_communicator.h"
#include "tests/support/rank_communicator.h"
#include "trainer/tasks/pretraining.h"
#include "trainer/train_step.h"

namespace bertha::testing {
namespace {

constexpr int kSteps = 4;

struct Way {
  OptimizerName optimizer = OptimizerName::adamw;
  Implementation implementation = Implementation::reference;
  Precision precision = Precision::fp32;
  GradientReducer::Precision wire = GradientReducer::Precision::fp32;
  bool deterministic = false;
  std::int64_t bucket_bytes = 20'000;
};

BertConfig small_config(Implementation implementation) {
  BertConfig config;
  config.vocabulary_size = 211;
  config.hidden_size = 32;
  config.attention_heads = 2;
  config.intermediate_size = 64;
  config.layers = 3;
  config.max_positions = 32;
  config.implementation = implementation;
  return config;
}

// Another one for every number.
Batch made_up_batch(std::uint64_t number) {
  constexpr int kLength = 12, kSequences = 3;
  Batch batch;
  batch.sequence_offsets.push_back(0);
  for (int s = 0; s < kSequences; ++s) {
    for (int i = 0; i < kLength; ++i) {
      const auto id =
          static_cast<std::int32_t>((number * 31 + static_cast<unsigned>(s * 57 + i * 11)) % 211);
      if (i % 4 == 1) {
        batch.masked_positions.push_back(static_cast<std::int32_t>(batch.tokens.size()));
        batch.masked_labels.push_back((id * 7 + 3) % 211);
      }
      batch.tokens.push_back(id);
      batch.segments.push_back(i < kLength / 2 ? 0 : 1);
      batch.positions.push_back(i);
    }
    batch.sequence_offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.next_sentence.push_back(s % 2);
    batch.sample_numbers.push_back(number * kSequences + static_cast<unsigned>(s));
  }
  return batch;
}

struct Trained {
  at::Tensor weights, compute;
  std::vector<Moment> moments;  // of the owned range
  FlatRange owned;
  std::vector<double> norms, losses;
};

// The first rank has two micro-batches a step, the last one none where there are more than two.
Trained train(Communicator& bare, const Way& way, bool sharded) {
  Watchdog watchdog(std::chrono::seconds(0));
  const auto communicator = watch_communicator(bare, watchdog);
  const auto& rank = communicator->rank_info();
  PretrainingTask task(small_config(way.implementation), true, way.precision, at::kCPU);
  auto& space = task.parameters();
  space.initialize(0.05, 3);
  const bool whole = way.optimizer == OptimizerName::lamb || way.deterministic;
  TrainStepOptions options;
  options.schedule = {.name = ScheduleName::constant, .peak = 1e-2};
  options.clip_norm = 0.1;  // below the norm
  options.precision = way.precision;
  options.norm_sharding = whole ? Sharding::whole_parameters : Sharding::even;
  if (sharded) options.sharding = options.norm_sharding;
  options.deterministic = way.deterministic;
  options.bucket_bytes = way.bucket_bytes;
  options.reduce_precision = way.wire;
  OptimizerOptions optimizer_options;
  optimizer_options.name = way.optimizer;
  const auto optimizer = make_optimizer(
      optimizer_options, space, owned_range(space, rank, options.sharding),
      [&](at::Tensor values) { communicator->all_reduce(values, ReduceOp::sum)->wait(); });
  LossScaler scaler(false);
  Trained trained;
  {
    TrainStep step({*communicator, task, *optimizer, scaler, watchdog}, options);
    for (std::int64_t i = 0; i < kSteps; ++i) {
      std::vector<Batch> batches;
      const auto first = static_cast<std::uint64_t>(100 * rank.rank + 10 * i);
      if (rank.world_size < 3 || rank.rank + 1 < rank.world_size)
        batches.push_back(made_up_batch(first));
      if (rank.is_root()) batches.push_back(made_up_batch(first + 1));
      const auto report = step.run(batches, i);
      trained.norms.push_back(report.gradient_norm);
      trained.losses.push_back(report.scores.front().second);
    }
  }
  trained.weights = space.master().clone();
  trained.compute = space.compute().clone();
  trained.moments = optimizer->moments();
  trained.owned = optimizer->owned();
  return trained;
}

void expect_same_bits(const Way& way, const std::string& name) {
  const auto communicator = rank_communicator();
  const auto whole = train(*communicator, way, false), shared = train(*communicator, way, true);
  EXPECT_EQ(whole.norms, shared.norms) << name;
  EXPECT_EQ(whole.losses, shared.losses) << name;
  EXPECT_GT(whole.norms.front(), 0.1) << "nothing is clipped";
  EXPECT_NE(whole.losses.front(), whole.losses.back()) << "nothing is learnt";
  EXPECT_TRUE(at::equal(whole.weights, shared.weights)) << name;
  EXPECT_TRUE(at::equal(whole.compute, shared.compute)) << name;
  const auto& own = shared.owned;
  EXPECT_EQ(whole.owned.size(), whole.weights.numel());
  EXPECT_TRUE(communicator->rank_info().world_size == 1 || own.size() < whole.owned.size());
  for (std::size_t m = 0; m < whole.moments.size(); ++m) {
    EXPECT_TRUE(
        at::equal(whole.moments[m].values.slice(0, own.begin, own.end), shared.moments[m].values))
        << name << ": " << whole.moments[m].name;
  }
  // And on every rank the same.
  const auto sum = std::to_string(shared.weights.to(at::kDouble).sum().item<double>());
  for (const auto& other : communicator->gather_bytes(sum)) EXPECT_EQ(other, sum) << name;
}

TEST(ShardedUpdate, HasTheBitsOfAnUnshardedOne) {
  for (const auto optimizer : {OptimizerName::adamw, OptimizerName::lamb}) {
    const std::string name = optimizer == OptimizerName::adamw ? "AdamW" : "LAMB";
    expect_same_bits({.optimizer = optimizer}, name);
    expect_same_bits({.optimizer = optimizer, .implementation = Implementation::fused},
                     name + ", fused");
    expect_same_bits({.optimizer = optimizer, .bucket_bytes = 4}, name + ", small buckets");
    expect_same_bits({.optimizer = optimizer, .bucket_bytes = 1 << 30}, name + ", one bucket");
    expect_same_bits({.optimizer = optimizer,
                      .implementation = Implementation::fused,
                      .precision = Precision::bf16,
                      .wire = GradientReducer::Precision::bf16},
                     name + ", bf16");
    expect_same_bits({.optimizer = optimizer, .deterministic = true}, name + ", deterministic");
  }
}

}  // namespace
}  // namespace bertha::testing
