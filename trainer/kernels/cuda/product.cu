// Matrix products by cuBLAS: bf16 in, fp32 sums, and either type out, so that weight gradients add
// up in the flat fp32 gradient without a copy in between. ATen offers no such product.
#include <cublas_v2.h>
#include <string>

#include "parallel/base/error.h"
#include "trainer/kernels/cuda/blas_call.h"
#include "trainer/kernels/cuda/device_kernels.h"

namespace bertha {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ErrorKind::internal, std::string(call) + ": " + cublasGetStatusString(status));
}

// One for each thread that multiplies: the caller's and autograd's. Never destroyed: at the end of
// the program CUDA may be gone before it.
cublasHandle_t handle_of_thread() {
  thread_local cublasHandle_t handle = nullptr;
  if (!handle) {
    check(cublasCreate(&handle), "cublasCreate");
    // fp32 stays fp32, and partial sums of bf16 products stay fp32.
    check(cublasSetMathMode(
              handle, static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH |
                                                CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)),
          "cublasSetMathMode");
  }
  return handle;
}

cublasOperation_t operation(const BlasOperand& operand) {
  return operand.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

}  // namespace

template <>
void DeviceProducts<OnCuda>::multiply(const DeviceProductJob& job, const KernelPlace& place) {
  if (job.rows == 0 || job.columns == 0) return;
  const BlasCall call = blas_call(job);
  const auto handle = handle_of_thread();
  check(cublasSetStream(handle, static_cast<cudaStream_t>(place.stream)), "cublasSetStream");
  const auto values = job.values_are_bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const auto result = job.result_is_bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const float one = 1, beta = job.add ? 1 : 0;
  const auto size = [](std::int64_t value) { return static_cast<int>(value); };
  check(cublasGemmEx(handle, operation(call.a), operation(call.b), size(call.m), size(call.n),
                     size(call.k), &one, call.a.values, values, size(call.a.leading), call.b.values,
                     values, size(call.b.leading), &beta, job.result, result,
                     size(call.result_leading), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
        "cublasGemmEx");
}

}  // namespace bertha
