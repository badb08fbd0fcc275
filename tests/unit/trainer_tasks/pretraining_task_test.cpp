// Micro-batches from which pretraining has nothing to learn.
#include <cmath>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "trainer/tasks/pretraining.h"

namespace bertha {
namespace {

BertConfig small_config() {
  BertConfig config;
  config.vocabulary_size = 11;
  config.hidden_size = 8;
  config.attention_heads = 2;
  config.intermediate_size = 16;
  config.layers = 1;
  config.max_positions = 8;
  return config;
}

// Two sequences without a masked position.
Batch unmasked_batch() {
  Batch batch;
  batch.tokens = {2, 5, 3, 2, 3};
  batch.segments = {0, 0, 0, 0, 0};
  batch.positions = {0, 1, 2, 0, 1};
  batch.sequence_offsets = {0, 3, 5};
  batch.next_sentence = {0, 1};
  batch.sample_numbers = {0, 1};
  return batch;
}

// Where Transformers' mean over no position is not a number, here it is a loss of 0.
TEST(PretrainingTask, LearnsNothingWhereNothingIsMasked) {
  PretrainingTask task(small_config(), false, Precision::fp32, at::kCPU);
  task.parameters().initialize(0.02, 1);
  const auto batch = unmasked_batch();
  const auto output = task.forward(batch, task.count({&batch, 1}), {});
  EXPECT_FALSE(output.loss.defined());
  EXPECT_TRUE(output.sums.eq(0).all().item<bool>());
  EXPECT_TRUE(task.parameters().gradient().eq(0).all().item<bool>());
  const std::vector<double> sums(static_cast<std::size_t>(task.sum_count()), 0.0);
  for (const auto& [name, value] : task.scores(sums)) EXPECT_EQ(value, 0) << name;
}

// The next sentence is learnt all the same, and the masked-word head is not.
TEST(PretrainingTask, LearnsTheNextSentenceAlone) {
  PretrainingTask task(small_config(), true, Precision::fp32, at::kCPU);
  auto& space = task.parameters();
  space.initialize(0.02, 1);
  const auto batch = unmasked_batch();
  const auto output = task.forward(batch, task.count({&batch, 1}), {});
  ASSERT_TRUE(output.loss.defined());
  EXPECT_NEAR(output.loss.item<double>(), std::log(2.0), 0.05);  // small weights: undecided
  output.loss.backward();
  const auto largest = [&](const char* name) {
    return space.gradient_view(space.find(name)).abs().max().item<float>();
  };
  EXPECT_GT(largest("cls.seq_relationship.weight"), 0);
  EXPECT_EQ(largest("cls.predictions.transform.dense.weight"), 0);
  EXPECT_EQ(largest("cls.predictions.bias"), 0);
}

}  // namespace
}  // namespace bertha
