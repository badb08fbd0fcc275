// Numbers that differ by rank, and what plain MPI makes of them.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>
#include <mpi.h>

#include "parallel/mpi_environment.h"

namespace bertha::testing {

inline int rank() {
  return process_rank_info().rank;
}

inline int world() {
  return process_rank_info().world_size;
}

inline MPI_Datatype oracle_type(at::ScalarType type) {
  return type == at::kFloat    ? MPI_FLOAT
         : type == at::kDouble ? MPI_DOUBLE
         : type == at::kInt    ? MPI_INT
                               : MPI_LONG;
}

// Whole numbers that differ by rank and place; their sums are exact in every type and order.
inline at::Tensor numbers(std::int64_t size, at::ScalarType type, std::int64_t salt = 0) {
  return at::remainder(at::arange(size, at::kLong) * 37 + rank() * 101 + salt, 1009)
      .sub(500)
      .to(type);
}

// Those of any rank, so small that sums of a few are exact in bfloat16, too.
inline at::Tensor small_numbers(std::int64_t size, at::ScalarType type, int of_rank) {
  return at::remainder(at::arange(size, at::kLong) * 37 + of_rank * 101, 61).sub(30).to(type);
}

inline bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && at::equal(a, b);
}

// What all ranks have, row by row, by plain MPI: bytes, so for every type.
inline at::Tensor gathered(const at::Tensor& mine) {
  auto all = at::empty({world(), mine.numel()}, mine.options());
  MPI_Allgather(mine.data_ptr(), static_cast<int>(mine.nbytes()), MPI_BYTE, all.data_ptr(),
                static_cast<int>(mine.nbytes()), MPI_BYTE, MPI_COMM_WORLD);
  return all;
}

}  // namespace bertha::testing
