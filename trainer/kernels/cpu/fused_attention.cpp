// Attention of all sequences and heads on all threads.
#include "trainer/kernels/cpu/fused_cpu.h"
#include "trainer/kernels/cpu/row_blocks.h"

namespace bertha::on_cpu {
namespace {

template <class T>
std::int64_t scratch_floats(const AttentionJob<T>& job) {
  std::int64_t longest = 1;
  for (std::int64_t s = 0; s < job.rows.sequences; ++s) {
    longest = std::max<std::int64_t>(longest, job.rows.offsets[s + 1] - job.rows.offsets[s]);
  }
  return vector_kernels().attention_scratch(longest, job.head_size);
}

// Every head of every sequence is work of its own; lengths differ, so threads take the next one.
template <class T, class Step>
void for_heads(const AttentionJob<T>& job, Step step) {
  const std::int64_t count = job.rows.sequences * job.heads;
#pragma omp parallel for num_threads(kernel_threads()) schedule(dynamic) if (count > 1)
  for (std::int64_t i = 0; i < count; ++i) step(i / job.heads, i % job.heads);
}

}  // namespace

template <class T>
void attention_forward(const AttentionJob<T>& job) {
  const auto masks = row_masks(job.rows, 0, job.dropout);
  const auto kernel = vector_kernels_of<T>().attention_forward;
  const auto floats = scratch_floats(job);
  for_heads(job, [&](std::int64_t sequence, std::int64_t head) {
    kernel(job, masks, sequence, head, thread_scratch(floats));
  });
}

template <class T>
void attention_backward(const AttentionJob<T>& job) {
  const auto masks = row_masks(job.rows, 0, job.dropout);
  const auto kernel = vector_kernels_of<T>().attention_backward;
  const auto floats = scratch_floats(job);
  const std::int64_t hidden = job.heads * job.head_size;
  float* sums = block_sums(job.rows.sequences * 3 * hidden);
  for_heads(job, [&](std::int64_t sequence, std::int64_t head) {
    kernel(job, masks, sequence, head, sums + sequence * 3 * hidden, thread_scratch(floats));
  });
  add_block_sums(sums, job.rows.sequences, hidden, job.bias_gradient);
}

template void attention_forward(const AttentionJob<float>&);
template void attention_forward(const AttentionJob<Bf16>&);
template void attention_backward(const AttentionJob<float>&);
template void attention_backward(const AttentionJob<Bf16>&);

}  // namespace bertha::on_cpu
