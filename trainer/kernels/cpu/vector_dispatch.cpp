// Picks the vector kernels for this CPU, once.
#include "trainer/kernels/cpu/vector_kernels.h"

namespace bertha {
namespace {

VectorKernelSet pick_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return avx512_kernels();
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_kernels();
#endif
  return plain_kernels();
}

}  // namespace

const VectorKernelSet& vector_kernels() {
  static const VectorKernelSet kernels = pick_kernels();
  return kernels;
}

}  // namespace bertha
