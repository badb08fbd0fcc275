// The flat space: layout, views, gradients that stay in place, and initial weights.
#include "trainer/model/parameter_space.h"

#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/base/error.h"
#include "trainer/model/initial_weights.h"

namespace bertha {
namespace {

using testing::ElementsAre;

const std::vector<ParameterSpec> kSpecs{{"first", {3, 5}},
                                        {"second", {64}, InitialValue::ones},
                                        {"third", {2, 2}, InitialValue::zeros}};

class ParameterSpaceTest : public testing::TestWithParam<Precision> {
 protected:
  ParameterSpace space{kSpecs, GetParam(), at::kCPU};
};
INSTANTIATE_TEST_SUITE_P(AllPrecisions, ParameterSpaceTest,
                         testing::Values(Precision::fp32, Precision::bf16, Precision::fp16),
                         [](const auto& test) { return precision_name(test.param); });

TEST_P(ParameterSpaceTest, LaysParametersOutInOrderAtAlignedOffsets) {
  const auto& infos = space.parameters();
  ASSERT_EQ(infos.size(), 3U);
  EXPECT_EQ(infos[0].offset, 0);
  EXPECT_EQ(infos[1].offset, 64);
  EXPECT_EQ(infos[2].offset, 128);
  EXPECT_EQ(space.size(), 192);
  EXPECT_EQ(space.parameter_elements(), 15 + 64 + 4);
  EXPECT_EQ(space.find("third"), 2);
  EXPECT_EQ(space.find("fourth"), -1);
  EXPECT_EQ(space.master().numel(), 192);
  EXPECT_EQ(space.compute().is_same(space.master()), GetParam() == Precision::fp32);
}

TEST_P(ParameterSpaceTest, LeavesAreViewsOfComputeWeights) {
  space.master_view(0).fill_(2.5);
  space.copy_master_to_compute();
  const auto& leaf = space.leaf(0);
  EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad());
  EXPECT_THAT(leaf.sizes().vec(), ElementsAre(3, 5));
  EXPECT_TRUE(leaf.eq(2.5).all().item<bool>());
  EXPECT_EQ(leaf.data_ptr(), space.compute().data_ptr());
  EXPECT_EQ(space.master().sum().item<float>(), 15 * 2.5F) << "something outside was written";
}

TEST_P(ParameterSpaceTest, AddsUpGradientsOfSeveralBackwardsInPlace) {
  const void* home = space.gradient().data_ptr();
  for (int i = 0; i < 2; ++i) {
    // Used twice, as tied weights are: one gradient.
    (space.leaf(0).sum() * 3 + space.leaf(0).sum() + space.leaf(2).sum()).backward();
  }
  EXPECT_EQ(space.gradient().data_ptr(), home);
  EXPECT_TRUE(space.gradient_view(0).eq(8).all().item<bool>());
  EXPECT_TRUE(space.gradient_view(1).eq(0).all().item<bool>());
  EXPECT_TRUE(space.gradient_view(2).eq(2).all().item<bool>());
  EXPECT_EQ(space.gradient().sum().item<float>(), 15 * 8 + 4 * 2) << "gaps must stay zero";
  space.zero_gradient();
  space.leaf(1).sum().backward();
  EXPECT_EQ(space.gradient().sum().item<float>(), 64);
}

TEST_P(ParameterSpaceTest, SumsInFp32WhereShortTypesWouldStall) {
  for (int i = 0; i < 3000; ++i) space.leaf(2).sum().backward();  // bf16 stops at 256, fp16 at 2048
  EXPECT_TRUE(space.gradient_view(2).eq(3000).all().item<bool>());
}

TEST_P(ParameterSpaceTest, ReportsEachGradientOnceAndAfterItIsInPlace) {
  std::vector<int> ready;
  std::vector<float> seen;
  space.on_gradient_ready([&](int parameter) {
    ready.push_back(parameter);
    seen.push_back(space.gradient_view(parameter).flatten()[0].item<float>());
  });
  (space.leaf(0).sum() + space.leaf(0).sum() * 4).backward();
  (space.leaf(1).sum() * 2).backward();
  EXPECT_THAT(ready, ElementsAre(0, 1));
  EXPECT_THAT(seen, ElementsAre(5.0F, 2.0F));
  space.on_gradient_ready({});
  space.leaf(0).sum().backward();
  EXPECT_EQ(ready.size(), 2U);
}

// Whatever gives weights away waits for them first; the gradient is there.
TEST_P(ParameterSpaceTest, WeightsAreWaitedForUpToTheLastThatIsWanted) {
  std::vector<std::int64_t> wanted;
  space.on_weights_wanted([&](std::int64_t end) { wanted.push_back(end); });
  space.leaf(0);
  space.master_view(1);
  space.leaf(2);
  EXPECT_THAT(wanted, ElementsAre(15, 128, 132));
  space.master();
  space.compute();
  space.await_weights(70);
  EXPECT_THAT(wanted, ElementsAre(15, 128, 132, 192, 192, 70));
  space.gradient();
  space.gradient_view(2);
  EXPECT_EQ(space.device(), at::kCPU);
  space.copy_master_to_compute();
  EXPECT_EQ(wanted.size(), 6U);
}

TEST_P(ParameterSpaceTest, CopiesARangeToComputeWeights) {
  space.master().fill_(2);
  space.copy_master_to_compute();
  space.master().fill_(3);
  space.copy_master_to_compute(64, 128);
  EXPECT_TRUE(space.leaf(1).eq(3).all().item<bool>());
  EXPECT_TRUE(space.leaf(2).eq(GetParam() == Precision::fp32 ? 3 : 2).all().item<bool>());
}

TEST_P(ParameterSpaceTest, InitialisesByKindAndLeavesGapsZero) {
  space.initialize(0.02, 1);
  EXPECT_TRUE(space.master_view(1).eq(1).all().item<bool>());
  EXPECT_TRUE(space.master_view(2).eq(0).all().item<bool>());
  EXPECT_TRUE(space.master_view(0).ne(0).all().item<bool>());
  EXPECT_EQ(space.master().ne(0).sum().item<std::int64_t>(), 15 + 64);
  EXPECT_TRUE(at::allclose(space.leaf(0).to(at::kFloat), space.master_view(0), 0.01));
}

TEST(ParameterSpace, InitialWeightsAreATruncatedNormal) {
  ParameterSpace space({{"weights", {1000, 501}}}, Precision::fp32, at::kCPU);
  space.initialize(0.02, 7);
  const auto weights = space.master_view(0).to(at::kDouble) / 0.02;
  EXPECT_LE(weights.abs().max().item<double>(), 2.0);
  EXPECT_NEAR(weights.mean().item<double>(), 0.0, 5 * 0.88 / std::sqrt(501000.0));
  // Variance of a normal cut at two deviations: 1 - 4 phi(2) / (Phi(2) - Phi(-2)).
  EXPECT_NEAR(weights.var().item<double>(), 0.7737413, 0.006);
  EXPECT_NEAR(kDeviationLeft * kDeviationLeft, 0.7737413, 1e-7);
  // Half of it lies within Phi^-1(0.5 + 0.9545 / 4) = 0.6396 deviations.
  EXPECT_NEAR(weights.abs().lt(0.6396).to(at::kDouble).mean().item<double>(), 0.5, 0.004);
}

TEST(ParameterSpace, InitialWeightsDependOnSeedAndNameOnly) {
  ParameterSpace small({{"a", {7}}, {"b", {600, 500}}}, Precision::fp32, at::kCPU);
  ParameterSpace large({{"b", {300, 1000}}, {"c", {9}}, {"a", {7}}}, Precision::bf16, at::kCPU);
  small.initialize(0.02, 3);
  large.initialize(0.02, 3);
  EXPECT_TRUE(at::equal(small.master_view(0), large.master_view(2)));
  EXPECT_TRUE(at::equal(small.master_view(1).flatten(), large.master_view(0).flatten()));
  EXPECT_FALSE(at::equal(small.master_view(0), small.master_view(1).flatten().narrow(0, 0, 7)));
  const auto before = small.master().clone();
  small.initialize(0.02, 4);
  EXPECT_FALSE(at::equal(before, small.master()));
  small.initialize(1, 0.02, 3);  // one alone: as among all, the others as they were
  EXPECT_TRUE(at::equal(small.master_view(1).flatten(), large.master_view(0).flatten()));
  EXPECT_FALSE(at::equal(small.master_view(0), large.master_view(2)));
}

TEST(ParameterSpace, RefusesDoubleNamesAndEmptyShapes) {
  EXPECT_THROW(ParameterSpace({{"a", {2}}, {"a", {3}}}, Precision::fp32, at::kCPU), Error);
  EXPECT_THROW(ParameterSpace({{"a", {2, 0}}}, Precision::fp32, at::kCPU), Error);
  EXPECT_THROW(ParameterSpace({{"a", {1LL << 40, 1LL << 40}}}, Precision::fp32, at::kCPU), Error);
}

TEST(ParameterSpace, LeavesOutliveIt) {
  auto space = std::make_unique<ParameterSpace>(kSpecs, Precision::bf16, at::kCPU);
  const auto leaf = space->leaf(0);
  const auto sum = leaf.sum();
  space.reset();
  sum.backward();
  EXPECT_TRUE(leaf.grad().eq(1).all().item<bool>());
}

// A graph of the gradient itself would move the gradient out of the flat buffer: an error, not a
// silent loss.
TEST(ParameterSpace, RefusesGradientsThatLeaveTheBuffer) {
  ParameterSpace space(kSpecs, Precision::fp32, at::kCPU);
  EXPECT_THROW(space.leaf(0).sum().backward({}, true, true), Error);
}

}  // namespace
}  // namespace bertha
