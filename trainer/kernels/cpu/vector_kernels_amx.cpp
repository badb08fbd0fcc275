// The kernels of vector/ for CPUs with AMX: those of avx512 but for attention in bf16.
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
#include "trainer/kernels/cpu/vector/tile_product.inc"
#include "trainer/kernels/cpu/vector/pair_attention.inc"
#include "trainer/kernels/cpu/vector/pair_attention_backward.inc"
// clang-format on

}  // namespace

VectorKernelSet amx_kernels() {
  VectorKernelSet kernels = avx512_kernels();
  static const auto fp32_scratch = kernels.attention_scratch;
  kernels.bf16.attention_forward = pair_attention_forward;
  kernels.bf16.attention_backward = pair_attention_backward;
  kernels.attention_scratch = [](std::int64_t length, std::int64_t head_size) {
    const std::int64_t fp32 = fp32_scratch(length, head_size);
    const std::int64_t bf16 = pair_attention_scratch(length, head_size);
    return fp32 > bf16 ? fp32 : bf16;
  };
  return kernels;
}

}  // namespace bertha
#endif
