// The kernels' work lists on the host, and products as cuBLAS is asked for them: slow, for tests.
#include <algorithm>

#include "trainer/kernels/cuda/blas_call.h"
#include "trainer/kernels/cuda/device_kernels_definitions.h"
#include "trainer/kernels/cuda/flash_gradient_twin.h"
#include "trainer/kernels/cuda/flash_twin.h"

namespace bertha {

std::int64_t kernel_scratch_floats(std::int64_t rows, std::int64_t columns, std::int64_t heads) {
  const std::int64_t parts = twin::row_parts(rows, twin::kNormParts).count;
  return std::max({twin::kTiledWarps * twin::kTile, parts * 3 * columns, 2 * columns + 2 * rows,
                   rows * heads, parts * 2 * columns});
}

std::int64_t flash_scratch_floats(const FlashAttentionJob& job) {
  return job.heads * FlashAttentionJob::kHeadSize *
         std::max(twin::flash_parts(job, job.longest_queries),
                  2 * twin::flash_parts(job, job.longest_keys));
}

template <>
struct RunnerOf<OnTwin> {
  static twin::HostRunner make(const KernelPlace&) { return {}; }
};

template struct DeviceKernels<OnTwin, float>;
template struct DeviceKernels<OnTwin, Bf16>;
template struct DeviceOptimizer<OnTwin>;

template <>
void DeviceFlashAttention<OnTwin>::forward(const FlashAttentionJob& job, const KernelPlace& place) {
  twin::flash_attention_forward(job, place, RunnerOf<OnTwin>::make(place));
}
template <>
void DeviceFlashAttention<OnTwin>::backward(const FlashAttentionJob& job,
                                            const KernelPlace& place) {
  twin::flash_attention_backward(job, place, RunnerOf<OnTwin>::make(place));
}

namespace {

float element(const void* values, bool bf16, std::int64_t at) {
  return bf16 ? twin::value_of(static_cast<const Bf16*>(values)[at])
              : static_cast<const float*>(values)[at];
}

// Element (i, k) of what BLAS makes of a matrix stored by columns.
float element(const BlasOperand& operand, bool bf16, std::int64_t i, std::int64_t k) {
  const std::int64_t at = operand.transposed ? i * operand.leading + k : k * operand.leading + i;
  return element(operand.values, bf16, at);
}

}  // namespace

template <>
void DeviceProducts<OnTwin>::multiply(const DeviceProductJob& job, const KernelPlace&) {
  const BlasCall call = blas_call(job);
  for (std::int64_t j = 0; j < call.n; ++j) {
    for (std::int64_t i = 0; i < call.m; ++i) {
      const std::int64_t at = j * call.result_leading + i;
      float sum = job.add ? element(job.result, job.result_is_bf16, at) : 0.0F;
      for (std::int64_t k = 0; k < call.k; ++k) {
        sum +=
            element(call.a, job.values_are_bf16, i, k) * element(call.b, job.values_are_bf16, k, j);
      }
      if (job.result_is_bf16) {
        twin::set_value(static_cast<Bf16*>(job.result)[at], sum);
      } else {
        static_cast<float*>(job.result)[at] = sum;
      }
    }
  }
}

}  // namespace bertha
