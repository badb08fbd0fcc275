// The CPU kernels of every instruction set this machine has, for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "trainer/kernels/cpu/vector_kernels.h"

namespace bertha {

struct NamedSet {
  std::string name;
  VectorKernelSet kernels;
};

inline std::vector<NamedSet> sets_of_this_cpu() {
  std::vector<NamedSet> sets{{"plain", plain_kernels()}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back({"avx2", avx2_kernels()});
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    sets.push_back({"avx512", avx512_kernels()});
    if (__builtin_cpu_supports("avx512bf16")) sets.push_back({"avx512bf16", avx512bf16_kernels()});
    if (has_amx()) sets.push_back({"amx", amx_kernels()});
  }
#endif
  return sets;
}

// Numbers between -size and size that do not repeat.
inline std::vector<float> waves(std::int64_t count, float phase, float size = 1.0F) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = size * std::sin(static_cast<float>(i) * 1.7F + phase);
  }
  return values;
}

}  // namespace bertha
