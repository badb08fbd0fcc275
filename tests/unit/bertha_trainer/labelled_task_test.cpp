// Class weights and frozen layers in whole passes of a small model.
#include "trainer/tasks/labelled_task.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "data_pipeline/labelled/labelled_batches.h"
#include "trainer/optim/layer_rates.h"
#include "trainer/optim/optimizer.h"

namespace bertha {
namespace {

constexpr std::int64_t kLayers = 3;

BertConfig small_config() {
  BertConfig config;
  config.vocabulary_size = 30;
  config.hidden_size = 16;
  config.layers = kLayers;
  config.attention_heads = 2;
  config.intermediate_size = 24;
  config.max_positions = 16;
  config.implementation = Implementation::reference;
  return config;
}

std::vector<EncodedExample> examples_of(const std::vector<std::int32_t>& labels) {
  std::vector<EncodedExample> examples;
  for (const auto label : labels) {
    auto& example = examples.emplace_back();
    const auto number = static_cast<std::int32_t>(examples.size());
    for (std::int32_t i = 0; i < 2 + number; ++i) {
      example.tokens.push_back(5 + (7 * number + 3 * i) % 25);
    }
    example.segments.resize(example.tokens.size(), 0);
    example.labels = {label};
    example.number = static_cast<std::uint64_t>(number - 1);
  }
  return examples;
}

// One global batch in several micro-batches.
std::vector<Batch> batches_of(const std::vector<EncodedExample>& examples) {
  LabelledBatchOptions options;
  options.batch_size = static_cast<std::int64_t>(examples.size());
  options.micro_batch_tokens = 16;
  options.shuffle = false;
  return labelled_step(examples, options, {0, 1, 0, 1}, 0);
}

class LabelledTaskTest : public ::testing::Test {
 protected:
  LabelledTaskTest() { task.parameters().initialize(0.3, 3); }

  // The loss of the global batch; gradients in the flat space.
  double learn() {
    const auto totals = task.count(batches);
    task.parameters().zero_gradient();
    double loss = 0;
    for (const auto& batch : batches) {
      const auto output = task.forward(batch, totals, {});
      loss += output.loss.item<double>();
      output.loss.backward();
    }
    return loss;
  }
  at::Tensor logits() {
    std::vector<at::Tensor> rows;
    for (const auto& batch : batches) {
      for (auto& row : task.predict(batch)) rows.push_back(row);
    }
    return at::cat(rows);
  }

  // In the order of logits().
  at::Tensor packed_labels() const {
    std::vector<std::int64_t> packed;
    for (const auto& batch : batches) {
      packed.insert(packed.end(), batch.labels.begin(), batch.labels.end());
    }
    return at::tensor(packed, at::kLong);
  }

  LabelledTask task{
      small_config(), {Head::sequence, LossKind::cross_entropy, 3}, Precision::fp32, at::kCPU};
  std::vector<Batch> batches = batches_of(examples_of({0, 0, 2, 0, 1, 0}));
};

// torch.nn.CrossEntropyLoss(weight): the sum of weighted losses over the sum of the labels'
// weights.
TEST_F(LabelledTaskTest, ClassWeightsAreTorchsWithItsDenominator) {
  ASSERT_GT(batches.size(), 1U);
  const std::vector<double> weights{0.1, 2.5, 0.7};
  task.weigh_classes(weights);
  const auto expected = packed_labels();
  const auto torch = at::cross_entropy_loss(
      logits(), expected, at::tensor(weights, at::kDouble).to(at::kFloat), at::Reduction::Mean);
  EXPECT_NEAR(learn(), torch.item<double>(), 1e-6);
  EXPECT_NEAR(task.count(batches).labels, 4 * 0.1 + 2.5 + 0.7, 1e-6);

  std::vector<double> sums(4);
  for (const auto& batch : batches) {
    const auto part = task.forward(batch, task.count(batches), {}).sums;
    for (int i = 0; i < 4; ++i) sums[static_cast<std::size_t>(i)] += part[i].item<double>();
  }
  const auto scores = task.scores(sums);
  EXPECT_NEAR(scores[0].second, torch.item<double>(), 1e-6);
  const auto right = logits().argmax(1).eq(expected).sum().item<double>();
  EXPECT_NEAR(scores[1].second, right / 6, 1e-9);  // accuracy is not weighted
}

// A weighted sum below one is divided by itself too, not by one.
TEST_F(LabelledTaskTest, SmallWeightsKeepTheSizeOfTheLoss) {
  const double plain = learn();
  task.weigh_classes({0.01, 0.01, 0.01});
  EXPECT_NEAR(learn(), plain, 1e-6);
}

TEST_F(LabelledTaskTest, FrozenLayersHaveNoGradientAndKeepTheirBits) {
  auto& space = task.parameters();
  learn();
  const auto before = space.gradient().clone();
  set_layer_rates(space, kLayers, {.decay = 1, .frozen = 2});
  const auto weights = space.master().clone();
  auto optimizer = make_optimizer({}, space, {0, space.size()}, {});
  for (int step = 1; step <= 3; ++step) {
    learn();
    if (step == 1) {
      for (const auto& info : space.parameters()) {
        const auto part = space.gradient().slice(0, info.offset, info.offset + info.elements);
        const auto whole = before.slice(0, info.offset, info.offset + info.elements);
        if (info.rate == 0) {
          EXPECT_EQ(part.count_nonzero().item<int>(), 0) << info.name;
        } else {
          EXPECT_TRUE(at::equal(part, whole)) << info.name;
        }
      }
    }
    optimizer->step(step, 0.1, 1);
    space.copy_master_to_compute();
  }
  int frozen = 0;
  for (const auto& info : space.parameters()) {
    const auto part = [&](const at::Tensor& flat) {
      return flat.slice(0, info.offset, info.offset + info.elements);
    };
    const bool same = at::equal(part(space.master()), part(weights));
    EXPECT_EQ(same, depth_of(info.name, kLayers) <= 2) << info.name;
    if (!same) continue;
    ++frozen;
    for (const auto& moment : optimizer->moments()) {
      EXPECT_EQ(part(moment.values).count_nonzero().item<int>(), 0) << info.name << moment.name;
    }
  }
  EXPECT_EQ(frozen, 5 + 2 * 16);  // embeddings and two layers
}

}  // namespace
}  // namespace bertha
