// Eight numbers at a time, for kernels that nvcc compiles for the GPU and the C++ compiler for
// tests on the host. BERTHA_TWIN is a macro because nothing else can leave __host__ __device__ out;
// BERTHA_UNROLL stands before loops whose arrays must be registers.
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
#define BERTHA_UNROLL _Pragma("unroll")
#else
#define BERTHA_TWIN inline
#define BERTHA_UNROLL
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

// Eight numbers as they lie in memory: what is loaded ahead, at 16 bytes an access.
template <class T>
struct alignas(16) Packed {
  T values[kOctet];
};
BERTHA_TWIN Octet unpacked(const Packed<float>& packed) {
  Octet octet;
  for (int i = 0; i < kOctet; ++i) octet.at[i] = packed.values[i];
  return octet;
}
BERTHA_TWIN Octet unpacked(const Packed<Bf16>& packed) {
  Octet octet;
  std::uint32_t pairs[kOctet / 2];
  memcpy(pairs, &packed, sizeof pairs);
  for (int i = 0; i < kOctet / 2; ++i) {
    const std::uint32_t low = pairs[i] << 16, high = pairs[i] & 0xFFFF0000U;
    memcpy(&octet.at[2 * i], &low, sizeof low);
    memcpy(&octet.at[2 * i + 1], &high, sizeof high);
  }
  return octet;
}

// Numbers past `count` read as zero. kAligned: eight numbers are on a 16-byte border; where count
// is known to be eight, no branch is left.
template <bool kAligned, class T>
BERTHA_TWIN Packed<T> load_packed(const T* from, int count) {
  if (kAligned && count == kOctet) return *reinterpret_cast<const Packed<T>*>(from);
  Packed<T> packed;
  for (int i = 0; i < kOctet; ++i) packed.values[i] = i < count ? from[i] : T{};
  return packed;
}
template <bool kAligned, class T>
BERTHA_TWIN Octet load(const T* from, int count) {
  return unpacked(load_packed<kAligned>(from, count));
}
template <bool kAligned, class T>
BERTHA_TWIN void store(T* to, const Octet& octet, int count) {
  if (kAligned && count == kOctet) {
    Packed<T> packed;
    for (int i = 0; i < kOctet; ++i) set_value(packed.values[i], octet.at[i]);
    *reinterpret_cast<Packed<T>*>(to) = packed;
    return;
  }
  for (int i = 0; i < kOctet; ++i) {
    if (i < count) set_value(to[i], octet.at[i]);
  }
}

// The same where it shows only on the way.
template <class T>
BERTHA_TWIN Octet load(const T* from, int count) {
  if (count == kOctet && vector_aligned(from)) return load<true>(from, kOctet);
  return load<false>(from, count);
}
template <class T>
BERTHA_TWIN void store(T* to, const Octet& octet, int count) {
  if (count == kOctet && vector_aligned(to)) return store<true>(to, octet, kOctet);
  store<false>(to, octet, count);
}

// Whether rows of so many columns that begin at these places are whole octets.
template <class... P>
bool whole_rows(std::int64_t columns, const P*... pointers) {
  return columns % kOctet == 0 && (vector_aligned(pointers) && ...);
}

// For results that are rounded to bf16 a GPU's approximations are as good: their errors are
// below 1e-6.
template <class T>
BERTHA_TWIN float exponential(float x) {
#ifdef __CUDA_ARCH__
  if constexpr (sizeof(T) == 2) {
    float power = 0;  // 2^(x / ln 2)
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x * 1.4426950408889634F));
    return power;
  }
#endif
  return expf(x);
}
template <class T>
BERTHA_TWIN float reciprocal(float x) {
#ifdef __CUDA_ARCH__
  if constexpr (sizeof(T) == 2) {
    float result = 0;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
  }
#endif
  return 1.0F / x;
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
  if (rows.numbers) row = rows.numbers[row];
  const std::int32_t sequence = rows.row_sequences[row];
  const std::int32_t begin = rows.offsets[sequence];
  return {rows.samples[sequence], sequence, begin, rows.offsets[sequence + 1],
          static_cast<std::int32_t>(row) - begin};
}
// That of the row after `row`, whose place is given; there must be one.
BERTHA_TWIN RowPlace place_after(RowPlace place, const PackedRows& rows, std::int64_t row) {
  ++place.number;
  return rows.numbers || place.begin + place.number >= place.end ? place_of(rows, row + 1) : place;
}

}  // namespace bertha::twin
