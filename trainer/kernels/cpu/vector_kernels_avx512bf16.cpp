// The kernels of vector/ for CPUs with avx512 that multiply bf16, too: those of avx512 but for
// attention in bf16.
#if defined(__x86_64__)
#include <immintrin.h>

#include "trainer/kernels/cpu/vector_kernels.h"

namespace bertha {
namespace {

constexpr int kLanes = 16;
constexpr int kTileRows = 8;  // of a product in registers

// Each builds on those before it.
// clang-format off
#include "trainer/kernels/cpu/vector/vector.inc"
#include "trainer/kernels/cpu/vector/small_product.inc"
#include "trainer/kernels/cpu/vector/attention_head.inc"
#include "trainer/kernels/cpu/vector/pairs.inc"
#include "trainer/kernels/cpu/vector/pair_product.inc"
#include "trainer/kernels/cpu/vector/pair_attention.inc"
#include "trainer/kernels/cpu/vector/pair_attention_backward.inc"
#include "trainer/kernels/cpu/vector/pair_kernels.inc"
// clang-format on

}  // namespace

VectorKernelSet avx512bf16_kernels() {
  return pair_kernels();
}

}  // namespace bertha
#endif
