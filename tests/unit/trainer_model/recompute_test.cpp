// Layers computed again in backward: the same bits as layers that keep their activations.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fused_paths.h"

namespace bertha {
namespace {

struct RecomputeCase {
  std::string name;
  Implementation implementation;
  Precision precision;
};

BertConfig config_of(std::int64_t layers) {
  BertConfig config;
  config.vocabulary_size = 301;
  config.hidden_size = 64;
  config.attention_heads = 2;
  config.intermediate_size = 160;
  config.layers = layers;
  config.max_positions = 128;
  config.hidden_dropout = 0.1;
  config.attention_dropout = 0.2;
  return config;
}

class RecomputedLayers : public testing::TestWithParam<RecomputeCase> {
 protected:
  PathResult run(BertConfig config, Recompute recompute, const std::vector<int>& lengths,
                 int passes) const {
    config.recompute = recompute;
    TestPath path(config, GetParam().implementation, GetParam().precision);
    return run_path(path, make_test_batch(config, lengths, 3), {true, 3, 4}, passes);
  }
};

TEST_P(RecomputedLayers, GiveTheSameBits) {
  for (const std::int64_t layers : {1, 2, 4}) {
    for (const auto& lengths : {std::vector<int>{20, 1, 33}, std::vector<int>{24, 24}}) {
      for (const int passes : {1, 3}) {
        SCOPED_TRACE(testing::Message() << layers << " layers, " << passes << " passes");
        const auto kept = run(config_of(layers), Recompute::none, lengths, passes);
        const auto again = run(config_of(layers), Recompute::layers, lengths, passes);
        EXPECT_GT(kept.gradient.norm().item<double>(), 0);
        EXPECT_TRUE(at::equal(again.hidden, kept.hidden));
        EXPECT_TRUE(at::equal(again.loss, kept.loss));
        EXPECT_TRUE(at::equal(again.gradient, kept.gradient));
      }
    }
  }
}

// Two forward passes before the first backward, as a loss over two batches has them.
TEST_P(RecomputedLayers, KeepPassesApart) {
  const auto loss_of = [&](TestPath& path, const TestBatch& batch, std::uint64_t step) {
    const auto hidden = path.bert.encode(batch.input, {true, 3, step});
    return path.bert.masked_lm_loss(hidden, batch.positions, batch.labels).sum;
  };
  std::vector<at::Tensor> gradients;
  for (const auto recompute : {Recompute::none, Recompute::layers}) {
    auto config = config_of(3);
    config.recompute = recompute;
    TestPath path(config, GetParam().implementation, GetParam().precision);
    const auto one = make_test_batch(config, {20, 5}, 3), two = make_test_batch(config, {7, 40}, 2);
    auto first = loss_of(path, one, 1), second = loss_of(path, two, 2);
    first.backward();
    second.backward();
    gradients.push_back(path.space.gradient().clone());
  }
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
}

// Every parameter's gradient is announced once per backward, from the end of the space.
TEST_P(RecomputedLayers, AnnounceEveryGradientOnce) {
  auto config = config_of(3);
  config.recompute = Recompute::layers;
  TestPath path(config, GetParam().implementation, GetParam().precision);
  std::vector<int> announced(path.space.parameters().size(), 0);
  path.space.on_gradient_ready(
      [&](int parameter) { ++announced.at(static_cast<std::size_t>(parameter)); });
  run_path(path, make_test_batch(config, {20, 1, 33}, 3), {true, 3, 4});
  path.space.on_gradient_ready({});
  for (std::size_t i = 0; i < announced.size(); ++i) {
    EXPECT_EQ(announced[i], 1) << path.space.parameters()[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Paths, RecomputedLayers,
    testing::Values(RecomputeCase{"reference_fp32", Implementation::reference, Precision::fp32},
                    RecomputeCase{"reference_bf16", Implementation::reference, Precision::bf16},
                    RecomputeCase{"reference_fp16", Implementation::reference, Precision::fp16},
                    RecomputeCase{"fused_fp32", Implementation::fused, Precision::fp32},
                    RecomputeCase{"fused_bf16", Implementation::fused, Precision::bf16},
                    RecomputeCase{"twin_fp32", Implementation::twin, Precision::fp32}),
    [](const auto& path) { return path.param.name; });

// Frozen from below: no gradient reaches the first layers, those above get theirs.
TEST(RecomputedLayers, LeaveFrozenOnesAlone) {
  std::vector<at::Tensor> gradients;
  for (const auto recompute : {Recompute::none, Recompute::layers}) {
    auto config = config_of(3);
    config.recompute = recompute;
    TestPath path(config, Implementation::reference);
    for (std::size_t i = 0; i < path.space.parameters().size(); ++i) {
      const auto& name = path.space.parameters()[i].name;
      const bool frozen = name.find("embeddings") != std::string::npos ||
                          name.find("layer.0.") != std::string::npos;
      if (frozen) path.space.set_rate(static_cast<int>(i), 0);
    }
    gradients.push_back(run_path(path, make_test_batch(config, {20, 9}, 3), {true, 3, 4}).gradient);
    for (const auto& info : path.space.parameters()) {
      const bool none = part_of(gradients.back(), info).eq(0).all().item<bool>();
      if (info.rate == 0) {
        EXPECT_TRUE(none) << info.name;
      }
    }
  }
  EXPECT_TRUE(at::equal(gradients[0], gradients[1]));
}

}  // namespace
}  // namespace bertha
