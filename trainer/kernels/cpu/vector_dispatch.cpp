// Picks the vector kernels for this CPU, once.
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "trainer/kernels/cpu/vector_kernels.h"

namespace bertha {
namespace {

#if defined(__x86_64__)
// Intel's CPUs with AMX multiply half as many bf16 by pairs as fp32; AMD's twice as many, as others
// have found: tests/bench/results/2026-11-27-attention-cpu.md. Here whole steps with pairs were
// measured on AMD's (2026-11-28-step.md), not pairs beside fp32.
bool pairs_are_fast() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd");
}
#endif

VectorKernelSet pick_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    if (has_amx()) return amx_kernels();
    return pairs_are_fast() ? avx512bf16_kernels() : avx512_kernels();
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2_kernels();
#endif
  return plain_kernels();
}

}  // namespace

bool has_amx() {
#if defined(__x86_64__) && defined(__linux__)
  // Leaf 7: bit 22 is AMX-BF16, bit 24 AMX-TILE. Linux gives the memory for tiles to those who ask.
  constexpr unsigned kBits = 1U << 22 | 1U << 24;
  constexpr long kAskForState = 0x1023, kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBits) == kBits &&
         __builtin_cpu_supports("avx512bf16") &&
         syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
#else
  return false;
#endif
}

const VectorKernelSet& vector_kernels() {
  static const VectorKernelSet kernels = pick_kernels();
  return kernels;
}

}  // namespace bertha
