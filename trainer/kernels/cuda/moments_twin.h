// Moments of AdamW and LAMB in octets, kept in fp32 or rounded to bf16. Element by element the
// arithmetic of cpu/moments.h and cpu/rounded_moments.cpp.
#pragma once

#include "trainer/kernels/cuda/twin.h"
#include "trainer/kernels/moment_numbers.h"

namespace bertha::twin {

BERTHA_TWIN void update_moments(float gradient, const MomentNumbers& n, float& first,
                                float& second) {
  const float scaled = gradient * n.gradient_scale;
  first = fmaf(n.one_minus_beta1, fmaf(gradient, n.gradient_scale, -first), first);
  // Twice rounded, as on the CPU: a product of its own, then a fused one.
  second =
      fmaf(rounded_product(n.one_minus_beta2, scaled), scaled, rounded_product(second, n.beta2));
}
BERTHA_TWIN float denominator(float second, const MomentNumbers& n) {
  return sqrtf(second) / n.root_correction2 + n.epsilon;
}

struct OctetMoments {
  Octet first, second;
};
template <class Job>
BERTHA_TWIN OctetMoments load_moments(const Job& job, Octets at) {
  if (job.rounded.first) {
    return {load(job.rounded.first + at.column, at.count),
            load(job.rounded.second + at.column, at.count)};
  }
  return {load(job.first_moment + at.column, at.count),
          load(job.second_moment + at.column, at.count)};
}

// What is not a number stays so.
BERTHA_TWIN Bf16 rounded(float value, std::uint32_t addend) {
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  bits = value != value ? 0x7FC00000U : bits + addend;
  return {static_cast<std::uint16_t>(bits >> 16)};
}

template <class Job>
BERTHA_TWIN void store_moments(const Job& job, Octets at, const OctetMoments& moments) {
  if (!job.rounded.first) {
    store(job.first_moment + at.column, moments.first, at.count);
    store(job.second_moment + at.column, moments.second, at.count);
    return;
  }
  const auto purpose = static_cast<std::uint32_t>(RandomPurpose::moment_rounding) * 0x85EBCA6BU;
  const auto step = static_cast<std::uint64_t>(job.step);
  PhiloxBlock words{};
  for (int i = 0; i < at.count; ++i) {
    const auto element = static_cast<std::uint64_t>(job.rounded.first_element + at.column + i);
    if (i == 0 || element % 4 == 0) {
      words = philox_block(
          {static_cast<std::uint32_t>(element / 4), static_cast<std::uint32_t>(element / 4 >> 32),
           static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)},
          static_cast<std::uint32_t>(job.rounded.seed),
          static_cast<std::uint32_t>(job.rounded.seed >> 32) ^ purpose);
    }
    const std::uint32_t word = words[element % 4];
    job.rounded.first[at.column + i] = rounded(moments.first.at[i], word & 0xFFFFU);
    job.rounded.second[at.column + i] = rounded(moments.second.at[i], word >> 16);
  }
}

}  // namespace bertha::twin
