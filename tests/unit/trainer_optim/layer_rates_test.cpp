// Rates by layer, and what a frozen layer keeps.
#include "trainer/optim/layer_rates.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "trainer/optim/optimizer.h"

namespace bertha {
namespace {

const std::vector<ParameterSpec> kSpecs{{"bert.embeddings.word_embeddings.weight", {8}},
                                        {"bert.encoder.layer.0.output.dense.weight", {8}},
                                        {"bert.encoder.layer.1.output.LayerNorm.bias", {8}},
                                        {"bert.encoder.layer.10.output.dense.weight", {8}},
                                        {"bert.pooler.dense.weight", {8}},
                                        {"classifier.bias", {8}}};

TEST(LayerRates, DepthByName) {
  const std::vector<std::int64_t> depths{0, 1, 2, 11, 13, 13};
  for (std::size_t i = 0; i < kSpecs.size(); ++i) {
    EXPECT_EQ(depth_of(kSpecs[i].name, 12), depths[i]) << kSpecs[i].name;
  }
}

class RateTest : public testing::TestWithParam<OptimizerName> {
 protected:
  ParameterSpace space{kSpecs, Precision::fp32, at::kCPU};
};

TEST_P(RateTest, FrozenStayAndOthersLearnLess) {
  set_layer_rates(space, 12, {.decay = 0.5, .frozen = 1});
  space.master().fill_(1);
  OptimizerOptions options;
  options.name = GetParam();
  options.weight_decay = 0.1;
  auto optimizer = make_optimizer(options, space, {0, space.size()}, {});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(space.leaf(i).requires_grad(), i > 1);
  space.gradient().slice(0, 128).fill_(1);
  optimizer->step(1, 0.1, 1);
  const auto moved = [&](int i) { return 1 - space.master_view(i)[0].item<double>(); };
  EXPECT_EQ(moved(0), 0);
  EXPECT_EQ(moved(1), 0);
  EXPECT_NEAR(moved(2), 0.1 * std::pow(0.5, 11), 1e-6);  // a bias: no decay, no trust ratio
  EXPECT_GT(moved(3), 0);
  EXPECT_NEAR(moved(3) / moved(4), 0.25, 1e-3);
  EXPECT_NEAR(moved(5), 0.1, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Both, RateTest,
                         testing::Values(OptimizerName::adamw, OptimizerName::lamb));

TEST(LayerRates, RefusesWhatCannotBe) {
  ParameterSpace space(kSpecs, Precision::fp32, at::kCPU);
  EXPECT_THROW(set_layer_rates(space, 12, {.decay = 0, .frozen = 0}), Error);
  EXPECT_THROW(set_layer_rates(space, 12, {.decay = 1.1, .frozen = 0}), Error);
  EXPECT_THROW(set_layer_rates(space, 12, {.decay = 1, .frozen = 13}), Error);
  EXPECT_THROW(set_layer_rates(space, 12, {.decay = 1, .frozen = -1}), Error);
}

}  // namespace
}  // namespace bertha
