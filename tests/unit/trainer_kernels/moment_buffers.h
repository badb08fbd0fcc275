// Buffers of an optimizer kernel filled with reproducible values, for the kernel tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace bertha {

struct MomentBuffers {
  std::vector<float> weights, gradient, first, second;

  explicit MomentBuffers(std::size_t count, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < count; ++i) {
      weights.push_back(normal(random) * 0.05F);
      gradient.push_back(normal(random) * std::pow(10.0F, 2 * normal(random)));
      first.push_back(normal(random) * 0.1F);
      second.push_back(std::abs(normal(random)) * 0.01F);
    }
    if (count > 3) gradient[3] = first[3] = second[3] = 0.0F;  // never had a gradient
  }
  bool operator==(const MomentBuffers&) const = default;

  template <class Job>
  Job job() {
    Job job{};
    job.weights = weights.data();
    job.gradient = gradient.data();
    job.first_moment = first.data();
    job.second_moment = second.data();
    job.count = static_cast<std::int64_t>(weights.size());
    job.beta1 = 0.9;
    job.beta2 = 0.999;
    job.epsilon = 1e-6;
    job.weight_decay = 0.01;
    job.gradient_scale = 0.37;
    job.step = 5;
    return job;
  }
};

}  // namespace bertha
