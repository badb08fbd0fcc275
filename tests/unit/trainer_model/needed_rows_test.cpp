// A last layer that computes only the rows heads read: values, loss and gradients of the model that
// computes all of them, and of the reference path.
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "fused_paths.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

struct NeededCase {
  std::string name;
  std::vector<int> lengths;
  int step = 7;  // every step-th row is predicted; 0: none
  bool pools = true;
  std::int64_t layers = 2;
  bool training = true;
  std::int64_t hidden = 64, heads = 2, intermediate = 160;
};

BertConfig config_of(const NeededCase& c) {
  auto config = path_config(c.hidden, c.heads, c.intermediate);
  config.layers = c.layers;
  return config;
}

const NeededCase kSmall{"", {100, 3, 64, 200, 1, 31, 90}, 5};

HeadRows heads_of(const TestBatch& batch, bool pools) {
  return {pools ? batch.input.sequence_starts : at::Tensor(), batch.positions};
}
at::Tensor needed_of(const at::Tensor& hidden, const TestBatch& batch, bool pools) {
  const auto needed = rows_read(heads_of(batch, pools), batch.input);
  return needed.rows.defined() ? hidden.index_select(0, needed.rows) : hidden;
}

class NeededRows : public testing::TestWithParam<NeededCase> {};

TEST_P(NeededRows, GiveTheValuesAndGradientsOfAllRows) {
  const auto& c = GetParam();
  const auto config = config_of(c);
  const auto batch = make_test_batch(config, c.lengths, c.step);
  const ForwardContext context{c.training, 3, 4};
  TestPath path(config, Implementation::fused), reference(config, Implementation::reference);
  const auto all = run_path(path, batch, context, {.pools = c.pools});
  const auto ours = run_path(path, batch, context, {.needed_rows_only = true, .pools = c.pools});
  const auto theirs = run_path(reference, batch, context, {.pools = c.pools});
  // A row is computed by the same operations in the same order whatever stands beside it.
  EXPECT_TRUE(at::equal(ours.hidden, needed_of(all.hidden, batch, c.pools)));
  EXPECT_TRUE(at::equal(ours.loss, all.loss));
  expect_same_learning(ours, all, path.space);
  EXPECT_LE(relative_distance(ours.hidden, needed_of(theirs.hidden, batch, c.pools)), 1e-5);
  expect_same_learning(ours, theirs, path.space);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, NeededRows,
    testing::Values(NeededCase{"mixed_lengths", {1, 512, 33, 2, 100, 31, 32, 65}},
                    NeededCase{"masked_alone", {90, 33, 64}, 7, false},
                    NeededCase{"sequences_without_rows", {3, 40, 2, 5, 70}, 19, false},
                    NeededCase{"first_alone", {90, 33, 64}, 0},
                    NeededCase{"one_row_of_all", {300}, 0}, NeededCase{"all_rows", {30, 31}, 1},
                    NeededCase{"one_token", {1, 1}, 1},
                    NeededCase{"one_layer", {60, 3, 64}, 5, true, 1},
                    NeededCase{"four_layers", {60, 3, 64}, 5, true, 4},
                    NeededCase{"no_dropout", {60, 3, 64}, 5, true, 2, false},
                    NeededCase{"wide_heads", {128, 90}, 6, true, 2, true, 128, 2, 512},
                    NeededCase{"odd_hidden", {5, 30, 17}, 4, true, 2, true, 33, 1, 7},
                    NeededCase{"odd_heads", {5, 30, 17}, 4, true, 2, true, 30, 5, 41}),
    [](const auto& shape) { return shape.param.name; });

// The bound of fused_model_test for bf16 beside fp32; of all rows beside needed ones the same,
// since products of other sizes may be summed in another order before they are rounded.
TEST(NeededRowsOnly, ComputeInBf16CloseToFp32) {
  const auto config = config_of(kSmall);
  const auto batch = make_test_batch(config, kSmall.lengths, kSmall.step);
  TestPath exact(config, Implementation::reference),
      fused(config, Implementation::fused, Precision::bf16);
  exact.space.master().copy_(fused.space.compute());
  fused.space.master().copy_(fused.space.compute());
  const auto theirs = run_path(exact, batch, {true, 3, 4});
  const auto all = run_path(fused, batch, {true, 3, 4});
  const auto ours = run_path(fused, batch, {true, 3, 4}, {.needed_rows_only = true});
  for (const auto* expected : {&theirs, &all}) {
    EXPECT_LE(relative_distance(ours.hidden, needed_of(expected->hidden, batch, true)), 0.02);
    EXPECT_LE(relative_distance(ours.loss, expected->loss), 0.01);
    const double whole = expected->gradient.norm().item<double>();
    for (const auto& info : fused.space.parameters()) {
      const auto wanted = part_of(expected->gradient, info), got = part_of(ours.gradient, info);
      const double error = (got - wanted).norm().item<double>();
      EXPECT_LE(error, 0.02 * wanted.norm().item<double>() + 1e-3 * whole) << info.name;
    }
  }
}

TEST(NeededRowsOnly, AreTheSameBitsOnAnyNumberOfThreads) {
  const auto config = config_of(kSmall);
  const auto batch = make_test_batch(config, kSmall.lengths, kSmall.step);
  const int before = at::get_num_threads();
  for (const auto precision : {Precision::fp32, Precision::bf16}) {
    std::vector<PathResult> results;
    TestPath path(config, Implementation::fused, precision);
    for (const int threads : {1, 2, 3}) {
      at::set_num_threads(threads);
      results.push_back(run_path(path, batch, {true, 3, 4}, {.needed_rows_only = true}));
    }
    for (const auto& result : results) {
      EXPECT_TRUE(at::equal(result.hidden, results[0].hidden)) << precision_name(precision);
      EXPECT_TRUE(at::equal(result.loss, results[0].loss)) << precision_name(precision);
      EXPECT_TRUE(at::equal(result.gradient, results[0].gradient)) << precision_name(precision);
    }
  }
  at::set_num_threads(before);
}

TEST(NeededRowsOnly, AreTheSameBitsWhereLayersAreRecomputed) {
  for (const std::int64_t layers : {1, 2, 4}) {
    for (const auto precision : {Precision::fp32, Precision::bf16}) {
      SCOPED_TRACE(testing::Message() << layers << " layers, " << precision_name(precision));
      std::vector<PathResult> results;
      for (const auto recompute : {Recompute::none, Recompute::layers}) {
        auto config = config_of(kSmall);
        config.layers = layers;
        config.recompute = recompute;
        TestPath path(config, Implementation::fused, precision);
        const auto batch = make_test_batch(config, kSmall.lengths, kSmall.step);
        results.push_back(
            run_path(path, batch, {true, 3, 4}, {.passes = 2, .needed_rows_only = true}));
      }
      EXPECT_TRUE(at::equal(results[0].hidden, results[1].hidden));
      EXPECT_TRUE(at::equal(results[0].gradient, results[1].gradient));
    }
  }
}

TEST(NeededRowsOnly, AreTheSameWithoutKeepingActivations) {
  const auto config = config_of(kSmall);
  TestPath path(config, Implementation::fused);
  const auto batch = make_test_batch(config, kSmall.lengths, kSmall.step);
  const auto kept = run_path(path, batch, {}, {.needed_rows_only = true});
  const at::NoGradGuard no_gradient;
  const auto encoded = path.bert.encode(batch.input, {}, heads_of(batch, true));
  EXPECT_TRUE(at::equal(encoded.hidden, kept.hidden));
}

// Memory of one pass is lent to the next, whose rows may be more, fewer, or all.
TEST(NeededRowsOnly, LeaveNothingBehind) {
  const auto config = config_of(kSmall);
  TestPath path(config, Implementation::fused);
  const auto large = make_test_batch(config, kSmall.lengths, 5);
  const auto small = make_test_batch(config, {20, 9}, 2), full = make_test_batch(config, {50}, 1);
  const auto run = [&](const TestBatch& batch, bool needed) {
    return run_path(path, batch, {true, 3, 4}, {.needed_rows_only = needed});
  };
  const auto fresh = [&](const TestBatch& batch, bool needed) {
    TestPath other(config, Implementation::fused);
    return run_path(other, batch, {true, 3, 4}, {.needed_rows_only = needed}).gradient;
  };
  for (int round = 0; round < 2; ++round) {
    for (const auto* batch : {&large, &small, &full}) {
      EXPECT_TRUE(at::equal(run(*batch, true).gradient, fresh(*batch, true)));
      EXPECT_TRUE(at::equal(run(*batch, false).gradient, fresh(*batch, false)));
    }
  }
}

TEST(NeededRowsOnly, MayBeNone) {
  for (const std::int64_t layers : {1, 2}) {
    for (const auto precision : {Precision::fp32, Precision::bf16}) {
      auto config = config_of(kSmall);
      config.layers = layers;
      for (const auto implementation : {Implementation::fused, Implementation::twin}) {
        if (implementation == Implementation::twin && precision == Precision::fp32) continue;
        if (implementation == Implementation::twin) config.attention_heads = 1;  // of 64 columns
        TestPath path(config, implementation, precision);
        path.space.zero_gradient();
        const auto batch = make_test_batch(config, {20, 1, 9}, 0);
        const auto encoded = path.bert.encode(batch.input, {true, 3, 4}, HeadRows{});
        EXPECT_EQ(encoded.hidden.sizes(), at::IntArrayRef({0, config.hidden_size}));
        encoded.hidden.sum().backward();
        EXPECT_EQ(path.space.gradient().count_nonzero().item<std::int64_t>(), 0);
      }
    }
  }
}

TEST(NeededRowsOnly, AreForTheFusedPathOnTheCpu) {
  const auto config = config_of(kSmall);
  const auto batch = make_test_batch(config, {18, 11}, 4);
  const auto rows_of = [&](Implementation implementation) {
    TestPath path(config, implementation);
    const auto encoded = path.bert.encode(batch.input, {}, heads_of(batch, true));
    EXPECT_EQ(encoded.rows.masked.numel(), batch.positions.numel());
    return encoded.hidden.size(0);
  };
  EXPECT_EQ(rows_of(Implementation::reference), 29);
  EXPECT_EQ(rows_of(Implementation::twin), 29);
  EXPECT_EQ(rows_of(Implementation::fused), 9);  // 0, 4 .. 28, and 18, the second sequence's first
}

at::Tensor numbers(const std::vector<std::int64_t>& values) {
  return at::tensor(values, at::TensorOptions().dtype(at::kLong));
}

TEST(HeadRows, AreTakenOnceInOrder) {
  const auto input = pack_sequences({{{5, 5, 5}, 1}, {{6}, 2}, {{7, 7, 7, 7}, 3}});
  const HeadRows heads{numbers({0, 7}), numbers({6, 2, 6, 0})};
  const auto subset = rows_read(heads, input);
  EXPECT_TRUE(at::equal(subset.rows, numbers({0, 2, 6, 7})));
  EXPECT_EQ(subset.offsets, (std::vector<std::int32_t>{0, 2, 2, 4}));
  const auto places = places_in(subset, heads);
  EXPECT_TRUE(at::equal(places.first, numbers({0, 3})));
  EXPECT_TRUE(at::equal(places.masked, numbers({2, 1, 2, 0})));
  EXPECT_FALSE(places_in(rows_read({{}, numbers({1})}, input), {{}, numbers({1})}).first.defined());
}

TEST(HeadRows, OfAllRowsAreNoSubset) {
  const auto input = pack_sequences({{{5, 5}, 1}, {{6}, 2}});
  const HeadRows heads{numbers({0, 2}), numbers({1})};
  const auto subset = rows_read(heads, input);
  EXPECT_FALSE(subset.rows.defined());
  EXPECT_TRUE(at::equal(places_in(subset, heads).masked, heads.masked));
}

TEST(HeadRows, AreRefusedOutsideTheBatch) {
  const auto input = pack_sequences({{{5, 5}, 1}, {{6}, 2}});
  EXPECT_THROW(rows_read({{}, numbers({3})}, input), Error);
  EXPECT_THROW(rows_read({numbers({-1}), {}}, input), Error);
}

}  // namespace
}  // namespace bertha
