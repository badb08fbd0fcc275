// The number of threads of all kernels.
#include <atomic>
#include <omp.h>

#include "trainer/kernels/kernels.h"

namespace bertha {
namespace {

std::atomic<int>& asked() {
  static std::atomic<int> threads = 0;
  return threads;
}

}  // namespace

void set_kernel_threads(int threads) {
  asked() = threads;
}

int kernel_threads() {
  const int threads = asked().load(std::memory_order_relaxed);
  return threads > 0 ? threads : omp_get_max_threads();
}

}  // namespace bertha
