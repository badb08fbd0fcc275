// The kernels of vector/ for CPUs with avx512.
#include "trainer/kernels/cpu/vector_kernels.h"

namespace bertha {
namespace {

constexpr int kLanes = 16;
constexpr int kTileRows = 8;  // of a product in registers

// Each builds on those before it.
// clang-format off
#include "trainer/kernels/cpu/vector/vector.inc"
#include "trainer/kernels/cpu/vector/row_norm.inc"
#include "trainer/kernels/cpu/vector/activation.inc"
#include "trainer/kernels/cpu/vector/small_product.inc"
#include "trainer/kernels/cpu/vector/product.inc"
#include "trainer/kernels/cpu/vector/attention_head.inc"
#include "trainer/kernels/cpu/vector/attention.inc"
#include "trainer/kernels/cpu/vector/attention_backward.inc"
#include "trainer/kernels/cpu/vector/cross_entropy.inc"
#include "trainer/kernels/cpu/vector/embedding.inc"
#include "trainer/kernels/cpu/vector/kernel_set.inc"
// clang-format on

}  // namespace

VectorKernelSet avx512_kernels() {
  return kernel_set();
}

}  // namespace bertha
