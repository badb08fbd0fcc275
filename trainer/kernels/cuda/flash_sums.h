// Column sums of a block's gradients, for those of the biases: each block leaves a line of partial
// sums in scratch, which sums_twin.h adds up.
#pragma once

#include "trainer/kernels/cuda/flash_tiles.h"

namespace bertha::twin {

// Partial sums of a block's columns: [parts of all sequences][heads * 64], for each of `homes`.
inline std::int64_t flash_parts(const FlashAttentionJob& job, std::int64_t longest) {
  return job.sequences * ((longest + kBlockRows - 1) / kBlockRows);
}
BERTHA_TWIN float* flash_partial(const FlashAttentionJob& job, float* partials, std::int64_t index,
                                 std::int64_t longest, int home, int homes) {
  const std::int64_t parts = (longest + kBlockRows - 1) / kBlockRows;
  const std::int64_t row = index / parts / job.heads * parts + index % parts;
  return partials + ((row * homes + home) * job.heads + index / parts % job.heads) * kHeadSize;
}
// Adds up what the warps left in `lines`, [warps][64].
template <class B>
BERTHA_TWIN void sum_warps(const B& block, const float* lines, float* to) {
  block.each_thread([&](int thread) {
    if (thread >= kHeadSize) return;
    float sum = 0;
    for (int warp = 0; warp < kBlockWarps; ++warp) sum += lines[warp * kHeadSize + thread];
    to[thread] = sum;
  });
}
template <class B>
BERTHA_TWIN void no_sum(const B& block, float* to) {
  block.each_thread([&](int thread) {
    if (thread < kHeadSize) to[thread] = 0;
  });
}

}  // namespace bertha::twin
