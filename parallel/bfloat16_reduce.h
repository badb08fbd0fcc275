// MPI operations over bfloat16, which MPI does not know: the data travel as MPI_UINT16_T. A sum
// adds in float and rounds to nearest even, once per hop.
#pragma once

#include <mpi.h>

#include "parallel/communicator.h"

namespace bertha {

// Element by element: totals[i] = values[i] (op) totals[i]; NaN stays NaN. In the form of
// MPI_User_function.
void bfloat16_sum(void* values, void* totals, int* count, MPI_Datatype* type);
void bfloat16_max(void* values, void* totals, int* count, MPI_Datatype* type);
void bfloat16_min(void* values, void* totals, int* count, MPI_Datatype* type);

// The three operations, made and freed together. MPI must be running.
class Bfloat16Operations {
 public:
  Bfloat16Operations();
  ~Bfloat16Operations();
  Bfloat16Operations(const Bfloat16Operations&) = delete;
  Bfloat16Operations& operator=(const Bfloat16Operations&) = delete;
  MPI_Op get(ReduceOp op) const;

 private:
  MPI_Op sum_ = MPI_OP_NULL, max_ = MPI_OP_NULL, min_ = MPI_OP_NULL;
};

}  // namespace bertha
