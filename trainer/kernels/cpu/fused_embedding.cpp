// Embeddings on all threads. The tables' gradients are shared out by columns: two tokens of a batch
// may want the same row, never the same column of it at the same time.
#include "trainer/kernels/cpu/fused_cpu.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha::on_cpu {

template <class T>
void embedding_forward(const EmbeddingJob<T>& job) {
  const auto masks = row_masks(job.rows, job.columns, job.dropout);
  const auto kernel = vector_kernels_of<T>().embedding_forward;
  for_row_blocks(job.rows.offsets[job.rows.sequences], [&](Range rows, std::int64_t) {
    kernel(job, masks, rows, thread_scratch(2 * job.columns));
  });
}

template <class T>
void embedding_backward(const EmbeddingGradientJob<T>& job) {
  const auto masks = row_masks(job.rows, job.columns, job.dropout);
  const auto& kernels = vector_kernels_of<T>();
  const std::int64_t rows = job.rows.offsets[job.rows.sequences];
  const std::int64_t blocks = row_blocks(rows);
  float* sums = block_sums(blocks * 2 * job.columns);
  for_row_blocks(rows, [&](Range range, std::int64_t block) {
    kernels.embedding_backward(job, masks, range, sums + block * 2 * job.columns,
                               thread_scratch(2 * job.columns));
  });
  float* const homes[] = {job.scale_gradient, job.shift_gradient};
  add_block_sums(sums, blocks, job.columns, homes);
  constexpr std::int64_t kColumns = 64;
#pragma omp parallel for num_threads(kernel_threads()) schedule(static)
  for (std::int64_t begin = 0; begin < job.columns; begin += kColumns) {
    kernels.embedding_scatter(job, {begin, std::min(job.columns, begin + kColumns)});
  }
}

template void embedding_forward(const EmbeddingJob<float>&);
template void embedding_forward(const EmbeddingJob<Bf16>&);
template void embedding_backward(const EmbeddingGradientJob<float>&);
template void embedding_backward(const EmbeddingGradientJob<Bf16>&);

}  // namespace bertha::on_cpu
