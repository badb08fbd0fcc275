// Sums of a short and a long type on all threads.
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha {

void add_to(float* sum, const Bf16* values, std::int64_t count) {
  constexpr std::int64_t kBlock = 16384;
  const auto kernel = vector_kernels().add_to;
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) if (count > kBlock)
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    kernel(sum + begin, values + begin, std::min(kBlock, count - begin));
  }
}

}  // namespace bertha
