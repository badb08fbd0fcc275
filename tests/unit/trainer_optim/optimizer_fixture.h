// A small flat space with every kind of parameter, and gradients to train it with.
#pragma once

#include <cmath>
#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "trainer/optim/optimizer.h"

namespace bertha {

inline const std::vector<ParameterSpec> kOptimizerSpecs{
    {"bert.embeddings.word_embeddings.weight", {50, 16}},
    {"bert.embeddings.LayerNorm.weight", {16}, InitialValue::ones},
    {"bert.embeddings.LayerNorm.bias", {16}, InitialValue::zeros},
    {"bert.encoder.layer.0.attention.self.query.weight", {16, 16}},
    {"bert.encoder.layer.0.attention.self.query.bias", {16}, InitialValue::zeros},
    {"bert.pooler.dense.weight", {40, 16}}};

// Gradients of step `step`: the same for everyone who asks; gaps stay zero, as they do in training.
inline void fill_gradient(ParameterSpace& space, int step) {
  space.zero_gradient();
  for (std::size_t p = 0; p < space.parameters().size(); ++p) {
    auto gradient = space.gradient_view(static_cast<int>(p)).view({-1});
    for (std::int64_t i = 0; i < gradient.numel(); ++i) {
      const double angle = 0.7 * static_cast<double>(i) + 1.3 * step + static_cast<double>(p);
      gradient.data_ptr<float>()[i] = static_cast<float>(std::sin(angle) * (i % 5 ? 1.0 : 0.01));
    }
  }
}

inline std::unique_ptr<ParameterSpace> optimizer_space() {
  auto space = std::make_unique<ParameterSpace>(kOptimizerSpecs, Precision::fp32, at::kCPU);
  space->initialize(0.02, 1);
  return space;
}

// A plain double-precision optimizer of one parameter.
struct Reference {
  std::vector<double> weights, gradient, first, second;

  Reference(const at::Tensor& values) {
    const auto flat = values.to(at::kDouble).contiguous().view({-1});
    weights.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
    first.assign(weights.size(), 0.0);
    second.assign(weights.size(), 0.0);
  }
  void take_gradient(const at::Tensor& values) {
    const auto flat = values.to(at::kDouble).contiguous().view({-1});
    gradient.assign(flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel());
  }
  // The direction of Adam with bias correction, m / (sqrt(v) + epsilon), after updating both.
  double direction(std::size_t i, const OptimizerOptions& options, double scale, int step) {
    const double g = gradient[i] * scale;
    first[i] = options.beta1 * first[i] + (1 - options.beta1) * g;
    second[i] = options.beta2 * second[i] + (1 - options.beta2) * g * g;
    return first[i] / (1 - std::pow(options.beta1, step)) /
           (std::sqrt(second[i] / (1 - std::pow(options.beta2, step))) + options.epsilon);
  }
  double distance(const at::Tensor& values) const {
    const auto flat = values.to(at::kDouble).contiguous().view({-1});
    double worst = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      worst = std::max(worst, std::abs(weights[i] - flat.data_ptr<double>()[i]));
    }
    return worst;
  }
};

// Weights are about 1 at most and rounded to 2^-24 of that once a step; the change adds a little.
inline double rounding_of(int step) {
  return 1e-7 + step * 0x1p-24;
}

}  // namespace bertha
