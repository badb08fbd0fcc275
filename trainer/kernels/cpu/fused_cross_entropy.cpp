// Softmax cross entropy on all threads: forward by rows, backward by columns, for there the bias
// gathers a sum over rows.
#include <array>
#include <vector>

#include "trainer/kernels/cpu/fused_cpu.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha::on_cpu {

template <class T>
void cross_entropy_forward(const CrossEntropyJob<T>& job) {
  const auto kernel = vector_kernels_of<T>().cross_entropy_forward;
  std::vector<float> losses(static_cast<std::size_t>(job.row_count));
  std::int64_t correct = 0;
#pragma omp parallel for num_threads(kernel_threads()) schedule(static) reduction(+ : correct)
  for (std::int64_t row = 0; row < job.row_count; ++row) {
    bool right = false;
    kernel(job, row, &losses[static_cast<std::size_t>(row)], &right);
    correct += right ? 1 : 0;
  }
  for (const float loss : losses) job.sums->loss += loss;
  job.sums->correct += static_cast<double>(correct);
}

template <class T>
void cross_entropy_backward(const CrossEntropyJob<T>& job) {
  constexpr std::int64_t kColumns = 2048;
  const auto kernel = vector_kernels_of<T>().cross_entropy_backward;
#pragma omp parallel for num_threads(kernel_threads()) schedule(static)
  for (std::int64_t begin = 0; begin < job.columns; begin += kColumns) {
    kernel(job, {begin, std::min(job.columns, begin + kColumns)});
  }
}

template void cross_entropy_forward(const CrossEntropyJob<float>&);
template void cross_entropy_forward(const CrossEntropyJob<Bf16>&);
template void cross_entropy_backward(const CrossEntropyJob<float>&);
template void cross_entropy_backward(const CrossEntropyJob<Bf16>&);

}  // namespace bertha::on_cpu
