// A product of matrices stored by rows as BLAS wants it, which stores by columns: the transposed
// product, right matrix first. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "parallel/base/error.h"
#include "trainer/kernels/fused_kernels.h"

namespace bertha {

struct BlasOperand {
  const void* values;
  bool transposed;
  std::int64_t leading;  // distance of stored columns
};
// result [m, n] (+)= a [m, k] b [k, n], all by columns.
struct BlasCall {
  std::int64_t m, n, k;
  BlasOperand a, b;
  std::int64_t result_leading;
};

// A matrix of `rows` by `columns` whose element (r, c) stands at r * row + c * column, seen by
// columns as its transpose.
inline BlasOperand blas_operand(const void* values, std::int64_t rows, std::int64_t columns,
                                std::int64_t row, std::int64_t column) {
  const std::int64_t one = 1;
  if (column == 1 || columns == 1) {
    return {values, false, rows == 1 ? std::max(one, columns) : row};
  }
  if (row == 1 || rows == 1) return {values, true, column};
  throw Error(ErrorKind::internal, "a product of a matrix with two strides");
}

inline BlasCall blas_call(const DeviceProductJob& job) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  if (std::max({job.rows, job.columns, job.depth, job.left_row, job.left_step, job.right_row,
                job.right_column, job.result_row}) > kMost) {
    throw Error(ErrorKind::internal, "a product of matrices too large for cuBLAS");
  }
  return {job.columns,
          job.rows,
          job.depth,
          blas_operand(job.right, job.depth, job.columns, job.right_row, job.right_column),
          blas_operand(job.left, job.rows, job.depth, job.left_row, job.left_step),
          std::max(job.columns, job.result_row)};
}

}  // namespace bertha
