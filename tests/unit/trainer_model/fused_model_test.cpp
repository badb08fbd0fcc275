// The fused path against the reference path: values, every gradient, odd shapes, threads, bf16.
#include "trainer/model/fused_model.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "fused_paths.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

struct FusedCase {
  std::string name;
  std::int64_t hidden, heads, intermediate;
  std::vector<int> lengths;
  int step = 7;  // every step-th position is predicted; 0: none
  bool training = true;
  std::string activation = "gelu";
};

BertConfig config_of(const FusedCase& c) {
  auto config = path_config(c.hidden, c.heads, c.intermediate);
  config.activation = c.activation;
  return config;
}

class FusedPath : public testing::TestWithParam<FusedCase> {};

TEST_P(FusedPath, GivesTheReferencesValuesAndGradients) {
  const auto config = config_of(GetParam());
  TestPath reference(config, Implementation::reference), fused(config, Implementation::fused);
  ASSERT_TRUE(fused.bert.is_fused());
  ASSERT_FALSE(reference.bert.is_fused());
  const auto batch = make_test_batch(config, GetParam().lengths, GetParam().step);
  const ForwardContext context{GetParam().training, 3, 4};
  const auto theirs = run_path(reference, batch, context);
  const auto ours = run_path(fused, batch, context);
  EXPECT_LE(relative_distance(ours.hidden, theirs.hidden), 1e-5);
  expect_same_learning(ours, theirs, fused.space);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FusedPath,
    testing::Values(FusedCase{"equal_lengths", 64, 2, 256, {48, 48, 48}},
                    FusedCase{"no_dropout", 64, 2, 256, {48, 48, 48}, 7, false},
                    FusedCase{"one_token", 64, 2, 128, {1}, 1},
                    FusedCase{"mixed_lengths", 64, 1, 96, {1, 512, 33, 2, 100, 31, 32, 65}},
                    FusedCase{"heads_of_32", 96, 3, 200, {40, 17, 128}},
                    FusedCase{"heads_of_64", 128, 2, 512, {128, 90}},
                    FusedCase{"heads_of_96", 192, 2, 100, {70, 129}},
                    FusedCase{"odd_hidden", 33, 1, 7, {5, 30, 17}},
                    FusedCase{"odd_heads", 30, 5, 41, {5, 30, 17}},
                    FusedCase{"heads_of_1", 12, 12, 20, {9, 40}},
                    FusedCase{"nothing_masked", 64, 2, 64, {20, 9}, 0},
                    FusedCase{"everything_masked", 64, 2, 64, {300, 310}, 1},
                    FusedCase{"gelu_tanh", 48, 3, 80, {20, 9}, 3, true, "gelu_new"},
                    FusedCase{"relu", 48, 3, 80, {20, 9}, 3, true, "relu"}),
    [](const auto& shape) { return shape.param.name; });

BertConfig small_config() {
  return config_of({"", 64, 2, 160, {}});
}

TEST(FusedModel, DoesNotDependOnTheNumberOfThreads) {
  const auto config = small_config();
  const auto batch = make_test_batch(config, {100, 3, 64, 200, 128, 31, 90}, 3);
  const int before = at::get_num_threads();
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    std::vector<PathResult> results;
    TestPath path(config, Implementation::fused, precision);
    for (const int threads : {1, 2, 3}) {
      at::set_num_threads(threads);
      results.push_back(run_path(path, batch, {true, 3, 4}));
    }
    for (const auto& result : results) {
      EXPECT_TRUE(at::equal(result.hidden, results[0].hidden)) << precision_name(precision);
      EXPECT_TRUE(at::equal(result.loss, results[0].loss)) << precision_name(precision);
      for (const auto& info : path.space.parameters()) {
        EXPECT_TRUE(at::equal(part_of(result.gradient, info), part_of(results[0].gradient, info)))
            << precision_name(precision) << ' ' << info.name;
      }
    }
  }
  at::set_num_threads(before);
}

TEST(FusedModel, AddsUpMicroBatches) {
  const auto config = small_config();
  const auto batch = make_test_batch(config, {60, 3, 64}, 3);
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    TestPath path(config, Implementation::fused, precision);
    const auto once = run_path(path, batch, {true, 3, 4});
    const auto thrice = run_path(path, batch, {true, 3, 4}, 3);
    EXPECT_LE(relative_distance(thrice.gradient, once.gradient * 3),
              precision == Precision::fp32 ? 1e-6 : 4e-3);
  }
}

// Which have no kernels of ours.
TEST(FusedModel, LeavesOtherActivationsToTheReferencePath) {
  for (const char* activation : {"silu", "tanh"}) {
    auto config = small_config();
    config.activation = activation;
    EXPECT_FALSE(TestPath(config, Implementation::automatic).bert.is_fused());
    try {
      TestPath(config, Implementation::fused);
      ADD_FAILURE() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(error.message().find(activation), std::string::npos) << error.message();
    }
  }
  EXPECT_TRUE(TestPath(small_config(), Implementation::automatic).bert.is_fused());
}

TEST(FusedModel, AnnouncesEveryParameterOnceAndTheWordsLast) {
  const auto config = small_config();
  TestPath path(config, Implementation::fused);
  std::vector<int> order;
  path.space.on_gradient_ready([&](int parameter) { order.push_back(parameter); });
  run_path(path, make_test_batch(config, {60, 3}, 3), {true, 3, 4});
  std::map<int, int> times;
  for (const int parameter : order) ++times[parameter];
  EXPECT_EQ(times.size(), path.space.parameters().size());
  for (const auto& [parameter, count] : times) {
    EXPECT_EQ(count, 1) << path.space.parameters()[static_cast<std::size_t>(parameter)].name;
  }
  const auto place = [&](const std::string& name) {
    return std::find(order.begin(), order.end(), path.space.find(name)) - order.begin();
  };
  EXPECT_GT(place("bert.embeddings.word_embeddings.weight"),
            place("bert.encoder.layer.0.attention.self.query.weight"));
  EXPECT_GT(place("bert.encoder.layer.0.output.dense.weight"),
            place("bert.encoder.layer.1.output.dense.weight"));
}

// So that a layer's gradients travel while the rest of them is computed.
TEST(FusedModel, AnnouncesGradientsThatAreCompleteWhileOthersOfTheLayerAreNot) {
  const auto config = small_config();
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    TestPath path(config, Implementation::fused, precision);
    const auto number = [&](const char* name) {
      return path.space.find(std::string("bert.encoder.layer.1.") + name);
    };
    const auto query = number("attention.self.query.weight");
    std::map<int, at::Tensor> announced;
    std::map<int, bool> before_query;
    path.space.on_gradient_ready([&](int parameter) {
      announced[parameter] = path.space.gradient_view(parameter).clone();
      before_query[parameter] = !path.space.gradient_view(query).any().item<bool>();
    });
    run_path(path, make_test_batch(config, {60, 3}, 3), {true, 3, 4});
    for (const auto& [parameter, gradient] : announced) {
      EXPECT_TRUE(at::equal(gradient, path.space.gradient_view(parameter)))
          << path.space.parameters()[static_cast<std::size_t>(parameter)].name;
    }
    for (const char* name : {"output.dense.weight", "output.dense.bias", "output.LayerNorm.weight",
                             "intermediate.dense.weight", "intermediate.dense.bias",
                             "attention.output.dense.weight", "attention.output.LayerNorm.bias"}) {
      EXPECT_TRUE(before_query.at(number(name))) << name;
    }
    EXPECT_FALSE(before_query.at(query));
  }
}

// Two passes may be under way at once; what one returned stays as it is.
TEST(FusedModel, KeepsPassesApart) {
  const auto config = small_config();
  TestPath path(config, Implementation::fused), alone(config, Implementation::fused);
  const auto first = make_test_batch(config, {60, 3}, 3), second = make_test_batch(config, {90}, 3);
  const auto one = path.bert.encode(first.input, {true, 1, 1});
  const auto copy = one.detach().clone();
  const auto two = path.bert.encode(second.input, {true, 1, 2});
  EXPECT_TRUE(at::equal(one.detach(), copy));
  (one.pow(3).sum() + two.pow(3).sum()).backward();
  alone.bert.encode(first.input, {true, 1, 1}).pow(3).sum().backward();
  alone.bert.encode(second.input, {true, 1, 2}).pow(3).sum().backward();
  EXPECT_LE(relative_distance(path.space.gradient(), alone.space.gradient()), 1e-6);
}

TEST(FusedModel, RefusesToRunBackwardTwice) {
  TestPath path(small_config(), Implementation::fused);
  const auto batch = make_test_batch(small_config(), {9}, 3);
  const auto loss = path.bert.encode(batch.input, {}).pow(2).sum();
  loss.backward({}, /*retain_graph=*/true);
  EXPECT_THROW(loss.backward(), std::exception);
}

TEST(FusedModel, GivesTheSameWithoutKeepingActivations) {
  const auto config = small_config();
  TestPath path(config, Implementation::fused);
  const auto batch = make_test_batch(config, {60, 3, 64}, 3);
  const auto kept = run_path(path, batch, {});
  const at::NoGradGuard no_gradient;
  const auto hidden = path.bert.encode(batch.input, {});
  EXPECT_TRUE(at::equal(hidden, kept.hidden));
  const auto loss = path.bert.masked_lm_loss(hidden, batch.positions, batch.labels);
  EXPECT_FALSE(loss.sum.requires_grad());
  EXPECT_EQ(loss.correct.item<std::int64_t>(), kept.correct);
}

TEST(FusedModel, RefusesIdsOutOfRange) {
  const auto config = small_config();
  TestPath path(config, Implementation::fused);
  auto batch = make_test_batch(config, {9, 4}, 3);
  const auto hidden = path.bert.encode(batch.input, {});
  batch.labels[0] = config.vocabulary_size;
  EXPECT_THROW(path.bert.masked_lm_loss(hidden, batch.positions, batch.labels), Error);
  batch.input.tokens[0] = -1;
  EXPECT_THROW(path.bert.encode(batch.input, {}), Error);
}

TEST(FusedModel, IsForTheCpuInFp32AndBf16) {
  const auto config = small_config();
  EXPECT_THROW(TestPath(config, Implementation::fused, Precision::fp16), Error);
  EXPECT_FALSE(TestPath(config, Implementation::automatic, Precision::fp16).bert.is_fused());
  EXPECT_TRUE(TestPath(config, Implementation::automatic, Precision::bf16).bert.is_fused());
  EXPECT_TRUE(TestPath(config, Implementation::automatic, Precision::fp32).bert.is_fused());
}

// bf16 keeps 8 bits: a value is rounded by at most u = 2^-9 of itself. A layer rounds about ten
// times one after the other, two layers and the head about 25 times; independent roundings add up
// like their root, 5 u, and each tensor's condition at most doubles that: 10 u = 2 %.
TEST(FusedModel, ComputesInBf16CloseToFp32) {
  const auto config = small_config();
  const auto batch = make_test_batch(config, {100, 3, 64, 128}, 5);
  TestPath exact(config, Implementation::reference),
      fused(config, Implementation::fused, Precision::bf16);
  // Weights that bf16 holds exactly: what is measured is the computation.
  exact.space.master().copy_(fused.space.compute());
  fused.space.master().copy_(fused.space.compute());
  const auto theirs = run_path(exact, batch, {true, 3, 4});
  const auto ours = run_path(fused, batch, {true, 3, 4});
  EXPECT_LE(relative_distance(ours.hidden, theirs.hidden), 0.02);
  EXPECT_LE(relative_distance(ours.loss, theirs.loss), 0.01);
  const double whole = theirs.gradient.norm().item<double>();
  for (const auto& info : fused.space.parameters()) {
    const auto expected = part_of(theirs.gradient, info), got = part_of(ours.gradient, info);
    const double error = (got - expected).norm().item<double>();
    EXPECT_LE(error, 0.02 * expected.norm().item<double>() + 1e-3 * whole) << info.name;
  }
}

}  // namespace
}  // namespace bertha
