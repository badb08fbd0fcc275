// bfloat16 arithmetic on raw 16-bit patterns; the loops vectorise.
#include "parallel/bfloat16_reduce.h"

#include <bit>
#include <cstdint>

#include "parallel/native_check.h"

namespace bertha {
namespace {

float widen(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Round to nearest, ties to even; a NaN becomes a quiet NaN (rounding it up could make infinity).
std::uint16_t narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return static_cast<std::uint16_t>(is_nan ? (bits >> 16) | 0x40U : rounded);
}

template <class Combine>
void reduce(const void* values, void* totals, int count, Combine combine) {
  const auto* __restrict from = static_cast<const std::uint16_t*>(values);
  auto* __restrict to = static_cast<std::uint16_t*>(totals);
  for (int i = 0; i < count; ++i) to[i] = narrow(combine(widen(from[i]), widen(to[i])));
}

}  // namespace

void bfloat16_sum(void* values, void* totals, int* count, MPI_Datatype*) {
  reduce(values, totals, *count, [](float a, float b) { return a + b; });
}

void bfloat16_max(void* values, void* totals, int* count, MPI_Datatype*) {
  reduce(values, totals, *count, [](float a, float b) { return a > b || a != a ? a : b; });
}

void bfloat16_min(void* values, void* totals, int* count, MPI_Datatype*) {
  reduce(values, totals, *count, [](float a, float b) { return a < b || a != a ? a : b; });
}

Bfloat16Operations::Bfloat16Operations() {
  constexpr int kCommutes = 1;
  check_mpi(MPI_Op_create(bfloat16_sum, kCommutes, &sum_), "MPI_Op_create");
  check_mpi(MPI_Op_create(bfloat16_max, kCommutes, &max_), "MPI_Op_create");
  check_mpi(MPI_Op_create(bfloat16_min, kCommutes, &min_), "MPI_Op_create");
}

Bfloat16Operations::~Bfloat16Operations() {
  int finalised = 0;
  MPI_Finalized(&finalised);
  if (finalised != 0) return;
  for (MPI_Op* operation : {&sum_, &max_, &min_}) {
    if (*operation != MPI_OP_NULL) MPI_Op_free(operation);
  }
}

MPI_Op Bfloat16Operations::get(ReduceOp op) const {
  return op == ReduceOp::sum ? sum_ : op == ReduceOp::max ? max_ : min_;
}

}  // namespace bertha
