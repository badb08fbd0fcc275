// Random initial weights that depend on nothing but seed, name and element.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace bertha {

// [elements] fp32 on the CPU: normal of mean 0 and deviation `range`, cut at two deviations, as
// Google's BERT draws its weights (tf.truncated_normal_initializer). Element i takes half i % 2 of
// block i / 2 of Philox(seed, initial_weights, FNV-1a of the name); its 53 bits go through the
// inverse of the normal distribution function.
at::Tensor truncated_normal(const std::string& name, std::int64_t elements, double range,
                            std::uint64_t seed);

// The standard deviation that the cut leaves of 1: sqrt(1 - 4 phi(2) / (1 - 2 Phi(-2))).
constexpr double kDeviationLeft = 0.87962566103423978;

}  // namespace bertha
