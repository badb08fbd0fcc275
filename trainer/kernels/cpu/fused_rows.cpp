// Row-wise parts of the fused path on all threads.
#include "trainer/kernels/cpu/fused_cpu.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha::on_cpu {

template <class T>
void residual_norm_forward(const ResidualNormJob<T>& job) {
  const auto masks = row_masks(job.rows, job.columns, job.dropout);
  const auto kernel = vector_kernels_of<T>().residual_norm_forward;
  for_row_blocks(job.row_count, [&](Range rows, std::int64_t) {
    kernel(job, masks, rows, thread_scratch(2 * job.columns));
  });
}

template <class T>
void residual_norm_backward(const ResidualNormGradientJob<T>& job) {
  const auto masks = row_masks(job.rows, job.columns, job.dropout);
  const auto kernel = vector_kernels_of<T>().residual_norm_backward;
  const std::int64_t blocks = row_blocks(job.row_count);
  float* sums = block_sums(blocks * 3 * job.columns);
  for_row_blocks(job.row_count, [&](Range rows, std::int64_t block) {
    kernel(job, masks, rows, sums + block * 3 * job.columns, thread_scratch(2 * job.columns));
  });
  float* const homes[] = {job.scale_gradient, job.shift_gradient, job.bias_gradient};
  add_block_sums(sums, blocks, job.columns, homes);
}

template <class T>
void activation_forward(const ActivationJob<T>& job) {
  const auto kernel = vector_kernels_of<T>().activation_forward;
  for_row_blocks(job.row_count, [&](Range rows, std::int64_t) { kernel(job, rows); });
}

template <class T>
void activation_backward(const ActivationGradientJob<T>& job) {
  const auto kernel = vector_kernels_of<T>().activation_backward;
  const std::int64_t blocks = row_blocks(job.row_count);
  float* sums = block_sums(blocks * job.columns);
  for_row_blocks(job.row_count, [&](Range rows, std::int64_t block) {
    kernel(job, rows, sums + block * job.columns);
  });
  float* const homes[] = {job.bias_gradient};
  add_block_sums(sums, blocks, job.columns, homes);
}

template void residual_norm_forward(const ResidualNormJob<float>&);
template void residual_norm_forward(const ResidualNormJob<Bf16>&);
template void residual_norm_backward(const ResidualNormGradientJob<float>&);
template void residual_norm_backward(const ResidualNormGradientJob<Bf16>&);
template void activation_forward(const ActivationJob<float>&);
template void activation_forward(const ActivationJob<Bf16>&);
template void activation_backward(const ActivationGradientJob<float>&);
template void activation_backward(const ActivationGradientJob<Bf16>&);

}  // namespace bertha::on_cpu
