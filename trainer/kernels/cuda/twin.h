// Eight numbers at a time, for kernels that nvcc compiles for the GPU and the C++ compiler for
// tests on the host. BERTHA_TWIN is a macro because nothing else can leave __host__ __device__ out.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "parallel/base/philox.h"
#include "trainer/kernels/cpu/dropout_rows.h"
#include "trainer/kernels/fused_kernels.h"

#ifdef __CUDACC__
#include <cuda_bf16.h>
#define BERTHA_TWIN __host__ __device__ inline
#else
#define BERTHA_TWIN inline
#endif

namespace bertha::twin {

inline constexpr int kOctet = 8;
inline constexpr int kLanes = 32;

struct Octet {
  float at[kOctet];
};
// What one lane does in one step over columns: `count` of them from `column` on.
struct Octets {
  std::int64_t column;
  int count, lane;
};

BERTHA_TWIN std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}
BERTHA_TWIN std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

BERTHA_TWIN float widen(std::uint32_t bits) {
  const std::uint32_t wide = bits << 16;
  float value = 0;
  memcpy(&value, &wide, sizeof value);
  return value;
}
BERTHA_TWIN float value_of(float value) {
  return value;
}
BERTHA_TWIN float value_of(Bf16 value) {
  return widen(value.bits);
}
BERTHA_TWIN void set_value(float& to, float value) {
  to = value;
}
// To the nearest, ties to even. What is not a number stays so: a GPU's own has all bits set, which
// adding to would turn into a zero.
BERTHA_TWIN void set_value(Bf16& to, float value) {
#ifdef __CUDA_ARCH__
  to.bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
#else
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  bits = value != value ? 0x7FC00000U : bits + 0x7FFFU + ((bits >> 16) & 1U);
  to.bits = static_cast<std::uint16_t>(bits >> 16);
#endif
}

BERTHA_TWIN bool vector_aligned(const void* pointer) {
  return (reinterpret_cast<std::uintptr_t>(pointer) & 15U) == 0;
}

// Numbers past `count` read as zero. Whole octets on 16-byte borders go in one or two accesses.
template <class T>
BERTHA_TWIN Octet load(const T* from, int count) {
  Octet octet;
  if (count == kOctet && vector_aligned(from)) {
    struct alignas(16) Whole {
      T values[kOctet];
    };
    const Whole whole = *reinterpret_cast<const Whole*>(from);
    for (int i = 0; i < kOctet; ++i) octet.at[i] = value_of(whole.values[i]);
    return octet;
  }
  for (int i = 0; i < kOctet; ++i) octet.at[i] = i < count ? value_of(from[i]) : 0.0F;
  return octet;
}
template <class T>
BERTHA_TWIN void store(T* to, const Octet& octet, int count) {
  if (count == kOctet && vector_aligned(to)) {
    struct alignas(16) Whole {
      T values[kOctet];
    } whole;
    for (int i = 0; i < kOctet; ++i) set_value(whole.values[i], octet.at[i]);
    *reinterpret_cast<Whole*>(to) = whole;
    return;
  }
  for (int i = 0; i < kOctet; ++i) {
    if (i < count) set_value(to[i], octet.at[i]);
  }
}

BERTHA_TWIN Octet filled(float value) {
  Octet octet;
  for (int i = 0; i < kOctet; ++i) octet.at[i] = value;
  return octet;
}
BERTHA_TWIN void add(Octet& to, const Octet& from) {
  for (int i = 0; i < kOctet; ++i) to.at[i] += from.at[i];
}
BERTHA_TWIN void multiply(Octet& to, const Octet& from) {
  for (int i = 0; i < kOctet; ++i) to.at[i] *= from.at[i];
}
BERTHA_TWIN float total(const Octet& octet) {
  float sum = 0;
  for (int i = 0; i < kOctet; ++i) sum += octet.at[i];
  return sum;
}

// A product that the compiler may not fuse with an addition: the CPU's kernels round it.
BERTHA_TWIN float rounded_product(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return fmaf(a, b, -0.0F);
#endif
}

// Dropout as cpu/dropout.cpp defines it.
struct TwinDropout {
  DropoutRow numbers;
  bool on;
};
inline TwinDropout twin_dropout(const FusedDropout& dropout) {
  const DropoutMaskJob job{dropout.seed, dropout.step, dropout.site, 0, dropout.rate, 0};
  return {dropout_row(0, job), dropout.rate > 0};
}
// Multipliers of eight columns from `column` on, a multiple of 8.
BERTHA_TWIN Octet multipliers(const DropoutRow& numbers, std::uint64_t sample, std::uint32_t row,
                              std::int64_t column) {
  Octet octet;
  for (int half = 0; half < 2; ++half) {
    const auto words =
        philox_block({static_cast<std::uint32_t>(column / 4 + half), row,
                      static_cast<std::uint32_t>(sample), static_cast<std::uint32_t>(sample >> 32)},
                     numbers.key0, numbers.key1);
    for (int i = 0; i < 4; ++i) {
      octet.at[4 * half + i] =
          words[static_cast<std::size_t>(i)] < numbers.drop_below ? 0.0F : numbers.keep;
    }
  }
  return octet;
}

// Where a packed row stands in its sequence.
struct RowPlace {
  std::uint64_t sample;
  std::int32_t sequence, begin, end, number;
};
BERTHA_TWIN RowPlace place_of(const PackedRows& rows, std::int64_t row) {
  const std::int32_t sequence = rows.row_sequences[row];
  const std::int32_t begin = rows.offsets[sequence];
  return {rows.samples[sequence], sequence, begin, rows.offsets[sequence + 1],
          static_cast<std::int32_t>(row) - begin};
}

}  // namespace bertha::twin
