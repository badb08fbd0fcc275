// The kernels of every instruction set this CPU has, against plain loops in double.
#include "trainer/kernels/cpu/vector_kernels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "instruction_sets.h"

namespace bertha {
namespace {

float widened(Bf16 value) {
  const auto bits = static_cast<std::uint32_t>(value.bits) << 16;
  float wide = 0;
  __builtin_memcpy(&wide, &bits, sizeof wide);
  return wide;
}
Bf16 cut(float value) {
  std::uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return {static_cast<std::uint16_t>(bits >> 16)};
}

const RowMasks kNoMasks{};

TEST(VectorKernels, RoundToBf16ToNearestAndTiesToEven) {
  // Through the ReLU: 1 + 2^-8 is half way between two; the even one is 1. 1 + 3 * 2^-8 goes up.
  const float exact[] = {1.0F + 0x1.0p-8F, 1.0F + 0x1.8p-7F, 1.0F + 0x1.01p-8F, 3.0e38F};
  const float expected[] = {1.0F, 1.0F + 0x1.0p-6F, 1.0F + 0x1.0p-7F, 0};
  for (const auto& set : sets_of_this_cpu()) {
    for (int i = 0; i < 3; ++i) {
      const Bf16 whole[] = {cut(1.0F)};
      const float bias[] = {exact[i] - 1.0F};
      Bf16 output[1];
      set.kernels.bf16.activation_forward({Activation::relu, 1, 1, whole, bias, output}, {0, 1});
      EXPECT_EQ(widened(output[0]), expected[i]) << set.name << ' ' << i;
    }
  }
}

// Values and slopes of all activations against the functions of the C library, in double.
TEST(VectorKernels, ActivationsMatchTheirDefinitions) {
  const auto value_of = [](Activation activation, double x) {
    switch (activation) {
      case Activation::gelu:
        return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
      case Activation::gelu_tanh:
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      case Activation::relu:
        return std::max(x, 0.0);
    }
    return 0.0;
  };
  constexpr std::int64_t kColumns = 1201;
  std::vector<float> inputs(kColumns);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = (static_cast<float>(i) - 600.3F) / 50;  // -12 .. 12, not 0
  }
  const std::vector<float> bias(kColumns, 0.0F);
  for (const auto& set : sets_of_this_cpu()) {
    for (const auto activation : {Activation::gelu, Activation::gelu_tanh, Activation::relu}) {
      auto values = inputs;
      std::vector<float> gradient(kColumns, 1.0F), sums(kColumns, 0.0F);
      set.kernels.fp32.activation_backward(
          {activation, 1, kColumns, values.data(), gradient.data(), bias.data(), nullptr}, {0, 1},
          sums.data());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const double x = inputs[i], h = 1e-5;
        const double slope = (value_of(activation, x + h) - value_of(activation, x - h)) / (2 * h);
        ASSERT_NEAR(values[i], value_of(activation, x), 1e-6 * (1 + std::abs(x)))
            << set.name << ' ' << x;
        ASSERT_NEAR(gradient[i], slope, 2e-6) << set.name << ' ' << x;
        ASSERT_EQ(sums[i], gradient[i]);
      }
    }
  }
}

TEST(VectorKernels, NormalisesRowsOfAnyWidth) {
  for (const auto& set : sets_of_this_cpu()) {
    for (const std::int64_t columns : {1, 3, 15, 16, 17, 33, 768}) {
      const auto before = waves(columns, 0.3F, 5), bias = waves(columns, 1.1F);
      const auto residual = waves(columns, 2.0F), scale = waves(columns, 0.7F);
      const auto shift = waves(columns, 0.2F);
      auto values = before;
      std::vector<float> output(values.size()), scratch(2 * values.size());
      float deviation = 0;
      ResidualNormJob<float> job{.rows = {},
                                 .row_count = 1,
                                 .columns = columns,
                                 .values = values.data(),
                                 .bias = bias.data(),
                                 .residual = residual.data(),
                                 .scale = scale.data(),
                                 .shift = shift.data(),
                                 .inverse_deviation = &deviation,
                                 .output = output.data(),
                                 .epsilon = 1e-3,
                                 .dropout = {}};
      set.kernels.fp32.residual_norm_forward(job, kNoMasks, {0, 1}, scratch.data());
      double mean = 0, variance = 0;
      const auto z = [&](std::size_t i) {
        return static_cast<double>(before[i]) + bias[i] + residual[i];
      };
      const auto count = static_cast<double>(columns);
      for (std::size_t i = 0; i < values.size(); ++i) mean += z(i) / count;
      for (std::size_t i = 0; i < values.size(); ++i) variance += std::pow(z(i) - mean, 2) / count;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double normalised = (z(i) - mean) / std::sqrt(variance + 1e-3);
        ASSERT_NEAR(values[i], normalised, 2e-5) << set.name << ' ' << columns;
        ASSERT_NEAR(output[i], normalised * scale[i] + shift[i], 2e-5) << set.name;
      }
    }
  }
}

// Attention of three tokens written out, and scores so large that exponentials would overflow.
TEST(VectorKernels, AttentionMatchesItsFormula) {
  constexpr std::int64_t kLength = 37, kSize = 5, kHeads = 2, kHidden = kHeads * kSize;
  const std::int32_t offsets[] = {0, static_cast<std::int32_t>(kLength)};
  const std::uint64_t samples[] = {1};
  const std::vector<float> zero(kHidden, 0.0F);
  for (const auto& set : sets_of_this_cpu()) {
    for (const float size : {1.0F, 30.0F}) {
      auto mixed = waves(kLength * 3 * kHidden, 0.4F, size);
      std::vector<float> output(kLength * kHidden), log_sum(kHeads * kLength);
      std::vector<float> scratch(
          static_cast<std::size_t>(set.kernels.attention_scratch(kLength, kSize)));
      const AttentionJob<float> job{.rows = {offsets, samples, 1},
                                    .heads = kHeads,
                                    .head_size = kSize,
                                    .mixed = mixed.data(),
                                    .bias = {zero.data(), zero.data(), zero.data()},
                                    .log_sum = log_sum.data(),
                                    .output = output.data(),
                                    .bias_gradient = {},
                                    .dropout = {}};
      set.kernels.fp32.attention_forward(job, kNoMasks, 0, 1, scratch.data());
      const auto at = [&](std::int64_t row, std::int64_t part, std::int64_t c) {
        return static_cast<double>(
            mixed[static_cast<std::size_t>(row * 3 * kHidden + part * kHidden + kSize + c)]);
      };
      for (std::int64_t q = 0; q < kLength; ++q) {
        std::vector<double> scores(kLength, 0.0), expected(kSize, 0.0);
        for (std::int64_t k = 0; k < kLength; ++k) {
          for (std::int64_t c = 0; c < kSize; ++c) {
            scores[static_cast<std::size_t>(k)] += at(q, 0, c) * at(k, 1, c) / std::sqrt(5.0);
          }
        }
        const double highest = *std::max_element(scores.begin(), scores.end());
        double total = 0;
        for (auto& score : scores) total += score = std::exp(score - highest);
        for (std::int64_t k = 0; k < kLength; ++k) {
          for (std::int64_t c = 0; c < kSize; ++c) {
            expected[static_cast<std::size_t>(c)] +=
                scores[static_cast<std::size_t>(k)] / total * at(k, 2, c);
          }
        }
        for (std::int64_t c = 0; c < kSize; ++c) {
          // Scores of `size` squared are rounded to 2^-24 of themselves; so are their exponentials.
          const auto got = output[static_cast<std::size_t>(q * kHidden + kSize + c)];
          ASSERT_NEAR(got, expected[static_cast<std::size_t>(c)], 1e-6 * size * size * size)
              << set.name << ' ' << size;
        }
      }
    }
  }
}

// dropout_test holds the fastest to its definition.
TEST(VectorKernels, DropoutRowsAreTheSameInEveryInstructionSet) {
  const DropoutMaskJob job{
      .seed = 0x123456789ABCDEF0, .step = 3, .site = 7, .sample = ~0ULL, .rate = 0.25};
  for (const std::int64_t columns : {1, 3, 4, 15, 16, 31, 32, 33, 64, 100, 512}) {
    const auto numbers = dropout_row(columns, job);
    std::vector<std::vector<float>> rows;
    for (const auto fill : fill_dropout_rows()) {
      rows.emplace_back(static_cast<std::size_t>(columns) + 1, -1.0F);
      fill(rows.back().data(), 0xFFFFFFFF, numbers);
      EXPECT_EQ(rows.back(), rows.front()) << columns << " columns, set " << rows.size();
      EXPECT_EQ(rows.back().back(), -1.0F);
    }
  }
}

TEST(VectorKernels, CrossEntropySurvivesLargeLogits) {
  const auto logits = waves(50, 0.2F, 500), bias = waves(50, 0.8F);
  double highest = -1e9, total = 0;
  for (std::size_t i = 0; i < 50; ++i) highest = std::max<double>(highest, logits[i] + bias[i]);
  for (std::size_t i = 0; i < 50; ++i) total += std::exp(logits[i] + bias[i] - highest);
  for (const auto& set : sets_of_this_cpu()) {
    for (const std::int64_t label : {0, 17, 49}) {
      auto values = logits;
      float log_sum = 0, loss = 0;
      bool correct = false;
      std::vector<float> bias_gradient(50, 0.0F);
      CrossEntropyJob<float> job{1, 50, 50, values.data(), bias.data(), &label, &log_sum};
      const float weight = 2.0F;
      job.weight = &weight;
      job.bias_gradient = bias_gradient.data();
      set.kernels.fp32.cross_entropy_forward(job, 0, &loss, &correct);
      const auto own = static_cast<std::size_t>(label);
      const double exact = highest + std::log(total) - (logits[own] + bias[own]);
      EXPECT_NEAR(loss, exact, 1e-4) << set.name;
      EXPECT_EQ(correct, logits[own] + bias[own] >= highest - 1e-6) << set.name;
      set.kernels.fp32.cross_entropy_backward(job, {0, 50});
      for (std::size_t i = 0; i < 50; ++i) {
        const double p = std::exp(logits[i] + bias[i] - highest) / total;
        EXPECT_NEAR(values[i], 2 * (p - (i == own ? 1 : 0)), 1e-4) << set.name;
        EXPECT_EQ(values[i], bias_gradient[i]);
      }
    }
  }
}

// What is not a number must reach the loss, or a broken run would go on.
TEST(VectorKernels, NotANumberStaysOne) {
  for (const auto& set : sets_of_this_cpu()) {
    std::vector<float> logits(40, 0.5F);
    const std::vector<float> bias(40, 0.0F);
    logits[33] = std::nanf("");
    const std::int64_t label = 3;
    float log_sum = 0, loss = 0;
    bool correct = false;
    const CrossEntropyJob<float> job{1, 40, 40, logits.data(), bias.data(), &label, &log_sum};
    set.kernels.fp32.cross_entropy_forward(job, 0, &loss, &correct);
    EXPECT_TRUE(std::isnan(loss)) << set.name;
    for (const auto activation : {Activation::gelu, Activation::gelu_tanh, Activation::relu}) {
      std::vector<float> output(40);
      set.kernels.fp32.activation_forward(
          {activation, 1, 40, logits.data(), bias.data(), output.data()}, {0, 1});
      EXPECT_TRUE(std::isnan(output[33])) << set.name;
      EXPECT_FALSE(std::isnan(output[32])) << set.name;
    }
  }
}

}  // namespace
}  // namespace bertha
