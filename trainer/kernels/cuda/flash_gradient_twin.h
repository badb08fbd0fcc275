// Attention by tensor cores, backward (FlashAttention, algorithm 4), without sums that several
// blocks add to: one pass with queries at home gives their gradient, a second with keys at home
// gives those of keys and values. Each computes the probabilities again; the results have the same
// bits every time. Column sums, for the gradients of the biases, fall off on the way.
#pragma once

#include "trainer/kernels/cuda/flash_key_gradient_twin.h"
#include "trainer/kernels/cuda/flash_query_gradient_twin.h"

namespace bertha::twin {

template <class Runner>
void flash_attention_backward(const FlashAttentionJob& job, const KernelPlace& place,
                              const Runner& runner) {
  require_scratch(place, flash_scratch_floats(job));
  const std::int64_t query_parts = flash_parts(job, job.longest_queries),
                     key_parts = flash_parts(job, job.longest_keys), hidden = job.heads * kHeadSize;
  const auto dropout = byte_dropout(job.dropout);
  const auto run = [&](auto work, std::int64_t parts) {
    runner.run_blocks(work, parts * job.heads);
  };
  if (dropout.scale > 1) {
    run(FlashQueryGradientWork<true>{job, dropout, place.scratch}, query_parts);
  } else {
    run(FlashQueryGradientWork<false>{job, dropout, place.scratch}, query_parts);
  }
  add_parts(place.scratch, query_parts, hidden, {job.query_sum}, runner);
  if (dropout.scale > 1) {
    run(FlashKeyGradientWork<true>{job, dropout, place.scratch}, key_parts);
  } else {
    run(FlashKeyGradientWork<false>{job, dropout, place.scratch}, key_parts);
  }
  add_parts(place.scratch, key_parts, hidden, {job.key_sum, job.value_sum}, runner);
}

}  // namespace bertha::twin
