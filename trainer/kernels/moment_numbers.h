// The numbers of an update of moments, from an AdamWJob or a LambJob.
#pragma once

#include <cmath>
#include <cstdint>

#include "trainer/kernels/kernels.h"

namespace bertha {

// Bias corrections 1 - beta^step: close to 0 early on, hence in double.
inline double bias_correction(double beta, std::int64_t step) {
  return 1.0 - std::pow(beta, static_cast<double>(step));
}

struct MomentNumbers {
  float gradient_scale, one_minus_beta1, beta2, one_minus_beta2, root_correction2, epsilon;
};

template <class Job>
MomentNumbers moment_numbers(const Job& job) {
  return {static_cast<float>(job.gradient_scale),
          static_cast<float>(1.0 - job.beta1),
          static_cast<float>(job.beta2),
          static_cast<float>(1.0 - job.beta2),
          static_cast<float>(std::sqrt(bias_correction(job.beta2, job.step))),
          static_cast<float>(job.epsilon)};
}

struct AdamWNumbers {
  MomentNumbers moments;
  float decay, minus_rate;  // decay: what is left of a weight; rate with bias correction
};
inline AdamWNumbers adamw_numbers(const AdamWJob& job) {
  return {moment_numbers(job), static_cast<float>(1.0 - job.learning_rate * job.weight_decay),
          static_cast<float>(-job.learning_rate / bias_correction(job.beta1, job.step))};
}

struct LambNumbers {
  MomentNumbers moments;
  float correction1, decay;  // 1 / (1 - beta1^step); added to the update times the weight
};
inline LambNumbers lamb_numbers(const LambJob& job) {
  return {moment_numbers(job), static_cast<float>(1.0 / bias_correction(job.beta1, job.step)),
          static_cast<float>(job.weight_decay)};
}

}  // namespace bertha
