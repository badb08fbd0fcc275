// The fused path with the CUDA kernels: on the host everywhere (twin), and on a GPU where there is
// one; against the reference path on the CPU, and both against double.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "fused_paths.h"
#include "trainer/kernels/kernels.h"
#include "trainer/model/fused_attention.h"

namespace bertha {
namespace {

struct Where {
  Implementation implementation;
  at::DeviceType device;
};

class DeviceModel : public testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    if (GetParam().device != at::kCUDA) return;
    if (!cuda_kernels_built() || !at::detail::getCUDAHooks().hasCUDA()) {
      GTEST_SKIP() << "no CUDA device";
    }
  }
  PathResult run(const BertConfig& config, Precision precision, const TestBatch& batch,
                 const ForwardContext& context, const PathOptions& options = {}) const {
    TestPath path(config, GetParam().implementation, precision, Head::pretraining, 0.1,
                  GetParam().device);
    EXPECT_TRUE(path.bert.is_fused());
    auto result = run_path(path, on_device(batch, GetParam().device), context, options);
    return {result.hidden.cpu(), result.loss.cpu(), result.gradient.cpu(), result.correct};
  }
};

BertConfig config_of(std::int64_t hidden, std::int64_t heads, std::int64_t intermediate) {
  auto config = path_config(hidden, heads, intermediate);
  config.vocabulary_size = 201;
  return config;
}

void expect_gradients(const PathResult& ours, const PathResult& theirs, const ParameterSpace& space,
                      double tolerance, double of_whole) {
  EXPECT_LE(relative_distance(ours.hidden, theirs.hidden), tolerance);
  // The terms of the loss have either sign: it may be far smaller than they and their roundings.
  EXPECT_NEAR(ours.loss.item<double>(), theirs.loss.item<double>(),
              tolerance * std::abs(theirs.loss.item<double>()) + 1e-6);
  const double whole = theirs.gradient.norm().item<double>();
  for (const auto& info : space.parameters()) {
    const auto expected = part_of(theirs.gradient, info), got = part_of(ours.gradient, info);
    const double error = (got - expected).norm().item<double>();
    EXPECT_LE(error, tolerance * expected.norm().item<double>() + of_whole * whole) << info.name;
  }
}

bool is_short_bias(const ParameterInfo& info) {
  return info.elements < 8 && info.name.ends_with(".bias");
}

// Errors against double: at most four times those of another path, or two roundings of the type
// where that one happens to be exact; of gradients that are zero but for rounding (the key's bias),
// in proportion to the whole gradient. Both errors are draws: those of a bias of a few numbers may
// lie far apart (4.7 times on one CPU), so such a bias is judged together with its weights.
void expect_as_exact(const PathResult& ours, const PathResult& theirs, const PathResult& exact,
                     const ParameterSpace& space, double unit) {
  const auto compare = [&](const at::Tensor& a, const at::Tensor& b, const at::Tensor& truth,
                           double least, const std::string& what) {
    const auto error_of = [&](const at::Tensor& got) {
      return (got.to(at::kDouble) - truth.to(at::kDouble)).norm().item<double>();
    };
    const double error = error_of(a), others = error_of(b);
    EXPECT_LE(error, std::max(4 * others, least)) << what << ", the other path's " << others;
  };
  const auto size_of = [](const at::Tensor& values) { return values.norm().item<double>(); };
  compare(ours.hidden, theirs.hidden, exact.hidden, 2 * unit * size_of(exact.hidden), "hidden");
  const double whole = size_of(exact.gradient);
  const auto& parameters = space.parameters();
  const auto part = [&](const PathResult& result, std::size_t i) {
    const auto own = part_of(result.gradient, parameters[i]);
    const bool with_next = i + 1 < parameters.size() && is_short_bias(parameters[i + 1]);
    return with_next ? at::cat({own, part_of(result.gradient, parameters[i + 1])}) : own;
  };
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (is_short_bias(parameters[i])) continue;
    const auto truth = part(exact, i);
    const double size = parameters[i].name.ends_with("key.bias") ? whole : size_of(truth);
    compare(part(ours, i), part(theirs, i), truth, 2 * unit * size, parameters[i].name);
  }
}

TEST_P(DeviceModel, IsAsExactAsTheReference) {
  struct Case {
    BertConfig config;
    std::vector<int> lengths;
  };
  const std::vector<Case> cases{{config_of(64, 2, 96), {20, 1, 33}},
                                {config_of(33, 1, 7), {5, 12}},
                                {config_of(128, 2, 512), {70, 128}}};
  for (const auto& c : cases) {
    const auto batch = make_test_batch(c.config, c.lengths, 4);
    for (const auto precision : {Precision::fp32, Precision::bf16}) {
      // Flash attention on a GPU draws other numbers.
      const bool training = precision == Precision::fp32;
      SCOPED_TRACE(testing::Message() << c.config.hidden_size << ' ' << precision_name(precision));
      TestPath exact(c.config, Implementation::reference, Precision::fp64);
      TestPath reference(c.config, Implementation::reference, precision);
      if (precision == Precision::bf16) exact.space.compute().copy_(reference.space.compute());
      const auto truth = run_path(exact, batch, {training, 3, 4});
      const auto theirs = run_path(reference, batch, {training, 3, 4});
      const auto ours = run(c.config, precision, batch, {training, 3, 4});
      expect_as_exact(ours, theirs, truth, exact.space,
                      precision == Precision::fp32 ? 0x1p-24 : 0x1p-9);
    }
  }
}

TEST_P(DeviceModel, GivesTheReferencesValuesAndGradientsInFp32) {
  struct Case {
    BertConfig config;
    std::vector<int> lengths;
    int step;
  };
  const std::vector<Case> cases{{config_of(64, 2, 96), {20, 1, 33}, 4},
                                {config_of(33, 1, 7), {5, 12}, 3},
                                {config_of(96, 3, 200), {40}, 0},
                                {config_of(64, 1, 64), {1}, 1}};
  for (const auto& c : cases) {
    for (const bool training : {false, true}) {
      SCOPED_TRACE(testing::Message() << c.config.hidden_size << " training " << training);
      TestPath reference(c.config, Implementation::reference);
      const auto batch = make_test_batch(c.config, c.lengths, c.step);
      const ForwardContext context{training, 3, 4};
      const auto theirs = run_path(reference, batch, context);
      const auto ours = run(c.config, Precision::fp32, batch, context);
      EXPECT_EQ(ours.correct, theirs.correct);
      expect_gradients(ours, theirs, reference.space, 2e-5, 1e-6);
    }
  }
}

// Without dropout: flash attention on a GPU draws other numbers. The bound is fused_model_test's.
TEST_P(DeviceModel, ComputesInBf16CloseToFp32) {
  const auto config = config_of(64, 2, 128);
  const auto batch = make_test_batch(config, {30, 3, 21}, 3);
  TestPath exact(config, Implementation::reference);
  exact.space.master().copy_(exact.space.master().to(at::kBFloat16));
  const auto theirs = run_path(exact, batch, {false, 3, 4});
  const auto ours = run(config, Precision::bf16, batch, {false, 3, 4});
  expect_gradients(ours, theirs, exact.space, 0.02, 2e-3);
}

TEST_P(DeviceModel, AddsUpMicroBatchesAndRepeatsItself) {
  const auto config = config_of(64, 2, 96);
  const auto batch = make_test_batch(config, {20, 3, 14}, 3);
  const auto once = run(config, Precision::fp32, batch, {true, 3, 4});
  const auto again = run(config, Precision::fp32, batch, {true, 3, 4});
  const auto thrice = run(config, Precision::fp32, batch, {true, 3, 4}, {.passes = 3});
  EXPECT_TRUE(at::equal(once.gradient, again.gradient));
  EXPECT_LE(relative_distance(thrice.gradient, once.gradient * 3), 1e-6);
}

// A last layer of tiles that computes only the rows heads read, against all rows; the bound of
// needed_rows_test. Dropout after attention is that of the rows themselves; attention's belongs to
// queries in their order, so it is off.
TEST_P(DeviceModel, LeavesOutRowsThatNoHeadReads) {
  for (const std::int64_t layers : {1, 2}) {
    auto config = path_config(128, 2, 160);
    config.layers = layers;
    config.attention_dropout = 0;
    const auto batch = make_test_batch(config, {100, 3, 64, 1, 150}, 5);
    const auto all = run(config, Precision::bf16, batch, {true, 3, 4});
    const auto ours = run(config, Precision::bf16, batch, {true, 3, 4}, {.needed_rows_only = true});
    EXPECT_LT(ours.hidden.size(0), all.hidden.size(0));
    EXPECT_LE(relative_distance(ours.loss, all.loss), 0.01);
    const double whole = all.gradient.norm().item<double>();
    const ParameterSpace space(bert_parameters(config, Head::pretraining, 3), Precision::bf16,
                               at::kCPU);
    for (const auto& info : space.parameters()) {
      const auto wanted = part_of(all.gradient, info), got = part_of(ours.gradient, info);
      const double error = (got - wanted).norm().item<double>();
      EXPECT_LE(error, 0.02 * wanted.norm().item<double>() + 1e-3 * whole) << info.name;
    }
  }
}

TEST(AttentionBy, IsOursForHeadsOf64InBf16) {
  const auto by = [](std::int64_t hidden, KernelDevice device, at::ScalarType type) {
    return attention_by(config_of(hidden, 2, 2 * hidden), device, type);
  };
  EXPECT_EQ(by(128, KernelDevice::cuda, at::kBFloat16), AttentionBy::tiles);
  EXPECT_EQ(by(128, KernelDevice::twin, at::kBFloat16), AttentionBy::tiles);
  EXPECT_EQ(by(64, KernelDevice::cuda, at::kBFloat16), AttentionBy::library);
  EXPECT_EQ(by(66, KernelDevice::cuda, at::kBFloat16), AttentionBy::plain);
  EXPECT_EQ(by(128, KernelDevice::cuda, at::kFloat), AttentionBy::plain);
  EXPECT_EQ(by(128, KernelDevice::cpu, at::kBFloat16), AttentionBy::plain);
}

INSTANTIATE_TEST_SUITE_P(Twin, DeviceModel, testing::Values(Where{Implementation::twin, at::kCPU}));
INSTANTIATE_TEST_SUITE_P(Gpu, DeviceModel,
                         testing::Values(Where{Implementation::fused, at::kCUDA}));

}  // namespace
}  // namespace bertha
