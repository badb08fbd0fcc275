// Tasks whose model leaves out rows that no loss reads: losses, scores and gradients of the
// reference path, which computes all of them; and what that saves.
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "trainer/tasks/flops.h"
#include "trainer/tasks/labelled_task.h"
#include "trainer/tasks/pretraining.h"

namespace bertha {
namespace {

BertConfig config_of(Implementation implementation) {
  BertConfig config;
  config.vocabulary_size = 101;
  config.hidden_size = 32;
  config.attention_heads = 2;
  config.intermediate_size = 64;
  config.layers = 2;
  config.max_positions = 64;
  config.implementation = implementation;
  return config;
}

// Sequences of 40, 1 and 23 tokens; the second has no masked position, the third its first token.
Batch make_batch() {
  Batch batch;
  batch.sequence_offsets = {0, 40, 41, 64};
  for (std::int32_t row = 0; row < 64; ++row) {
    batch.tokens.push_back((row * 37 + 5) % 101);
    batch.segments.push_back(row % 2);
    batch.positions.push_back(row < 40 ? row : row == 40 ? 0 : row - 41);
  }
  batch.masked_positions = {3, 4, 17, 39, 41, 60};
  batch.masked_labels = {1, 100, 7, 8, 9, 10};
  batch.next_sentence = {0, 1, 1};
  batch.labels = {2, 0, 1};
  batch.sample_numbers = {5, 6, 1ULL << 33};
  return batch;
}

struct Run {
  double loss;
  at::Tensor sums, gradient;
};
Run run(Task& task) {
  const auto batch = make_batch();
  task.parameters().initialize(0.1, 3);
  task.parameters().zero_gradient();
  const auto output = task.forward(batch, task.count({&batch, 1}), {true, 3, 4});
  output.loss.backward();
  return {output.loss.item<double>(), output.sums, task.parameters().gradient().clone()};
}

void expect_close(const Run& ours, const Run& theirs) {
  EXPECT_NEAR(ours.loss, theirs.loss, 1e-5 * theirs.loss);
  EXPECT_TRUE(at::allclose(ours.sums, theirs.sums, 1e-5));
  EXPECT_LE((ours.gradient - theirs.gradient).norm().item<double>(),
            1e-5 * theirs.gradient.norm().item<double>());
}

TEST(NeededRowsOfTasks, PretrainAsAllRows) {
  for (const bool next_sentence : {true, false}) {
    SCOPED_TRACE(next_sentence);
    PretrainingTask fused(config_of(Implementation::fused), next_sentence, Precision::fp32,
                          at::kCPU);
    PretrainingTask reference(config_of(Implementation::reference), next_sentence, Precision::fp32,
                              at::kCPU);
    expect_close(run(fused), run(reference));
  }
}

TEST(NeededRowsOfTasks, ClassifyAsAllRows) {
  const LabelledModel model{Head::sequence, LossKind::cross_entropy, 3};
  LabelledTask fused(config_of(Implementation::fused), model, Precision::fp32, at::kCPU);
  LabelledTask reference(config_of(Implementation::reference), model, Precision::fp32, at::kCPU);
  expect_close(run(fused), run(reference));
}

// h = 2, i = 4. With first tokens 8 rows are read, else 6; of 40, 1 and 23 rows 35, 0 and 21 are
// left out, else 36, 1 and 21: each saves 2 * (2 * 4 + 2 * 8) = 48 and 4 * 2 for every key of its
// sequence, three times.
TEST(SkippedFlops, AreCountedByHand) {
  auto config = config_of(Implementation::fused);
  config.hidden_size = 2;
  config.intermediate_size = 4;
  EXPECT_EQ(skipped_flops(config, make_batch(), true), 3 * (48 * 56 + 8 * (35 * 40 + 21 * 23)));
  EXPECT_EQ(skipped_flops(config, make_batch(), false),
            3 * (48 * 58 + 8 * (36 * 40 + 1 * 1 + 21 * 23)));
}

}  // namespace
}  // namespace bertha
