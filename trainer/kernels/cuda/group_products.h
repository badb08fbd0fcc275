// Products of matrices in shared memory by a group of four warps, 64 rows, of which a warp keeps 16
// rows of sums. On sm_90a by wgmma (PTX ISA, "Asynchronous warpgroup level matrix instructions"):
// the four start a product together, and it runs on while they do other work. Elsewhere each warp
// multiplies its own rows, by mma.
#pragma once

#include "trainer/kernels/cuda/shared_rows.h"

namespace bertha::twin {

inline constexpr int kGroupWarps = 4, kWarpRows = 16, kGroupRows = kGroupWarps * kWarpRows;
inline constexpr int kDepthSteps = kHeadSize / 16;  // products over a row

// A warp's 16 rows of sums: tiles of 16 x 8.
template <class L, int kColumns>
using Sums = typename L::template Each<Quad>[kColumns / 8];
// The same rounded, as the left matrix of a product over these columns.
template <class L, int kColumns>
using LeftWords = typename L::template Each<Words>[kColumns / 16];

template <class Tiles>
BERTHA_TWIN void clear(Tiles& tiles) {
  BERTHA_UNROLL
  for (auto& tile : tiles) tile = {};
}

// Tensor cores read shared memory past the caches of a thread's own writes: after the wait for its
// copies and before the block's sync() that lets others multiply them.
BERTHA_TWIN void show_to_products() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
// Registers are as products want them: before those that add to sums or read words.
BERTHA_TWIN void begin_products() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}
BERTHA_TWIN void end_products() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}
BERTHA_TWIN void wait_for_products() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#endif
}
// After the wait: keeps the compiler from reading these sums before it.
template <class Tiles>
BERTHA_TWIN void settle([[maybe_unused]] Tiles& sums) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  BERTHA_UNROLL
  for (auto& tile : sums) {
    BERTHA_UNROLL
    for (auto& number : tile.own.at) asm volatile("" : "+f"(number)::"memory");
  }
#endif
}

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
// Rows of 128 bytes whose pieces stand as SharedRows says, which is PTX' 128-byte swizzle; eight
// rows are 1024 bytes, on such a border.
__device__ inline std::uint64_t matrix_of(SharedRows rows) {
  const auto address = static_cast<std::uint64_t>(__cvta_generic_to_shared(rows.memory));
  constexpr std::uint64_t eight_rows = 1024 / 16, swizzle_128 = 1;
  return address / 16 | 1ULL << 16 | eight_rows << 32 | swizzle_128 << 62;
}
// What a step over 16 columns, or 16 rows, adds to it.
inline constexpr std::uint64_t kNextColumns = 32 / 16, kNextRows = 2048 / 16;

// A product that sums begin with only writes them ("=f"), the others add to them ("+f"). All
// products of a step stand in one straight piece of code with their wait: where paths meet in
// between, ptxas does one after the other (its note C7515).
// sums = 16 columns of left by those of right, turned.
__device__ inline void first_product(Sums<DeviceLanes, 32>& sums, std::uint64_t left,
                                     std::uint64_t right) {
  const auto at = [&](int i) -> float& { return sums[i / 4].own.at[i % 4]; };
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, "
      "%16, %17, 0, 1, 1, 0, 0;"
      : "=f"(at(0)), "=f"(at(1)), "=f"(at(2)), "=f"(at(3)), "=f"(at(4)), "=f"(at(5)), "=f"(at(6)),
        "=f"(at(7)), "=f"(at(8)), "=f"(at(9)), "=f"(at(10)), "=f"(at(11)), "=f"(at(12)),
        "=f"(at(13)), "=f"(at(14)), "=f"(at(15))
      : "l"(left), "l"(right));
}
// sums += 16 columns of left by those of right, turned.
__device__ inline void next_product(Sums<DeviceLanes, 32>& sums, std::uint64_t left,
                                    std::uint64_t right) {
  const auto at = [&](int i) -> float& { return sums[i / 4].own.at[i % 4]; };
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, "
      "%16, %17, 1, 1, 1, 0, 0;"
      : "+f"(at(0)), "+f"(at(1)), "+f"(at(2)), "+f"(at(3)), "+f"(at(4)), "+f"(at(5)), "+f"(at(6)),
        "+f"(at(7)), "+f"(at(8)), "+f"(at(9)), "+f"(at(10)), "+f"(at(11)), "+f"(at(12)),
        "+f"(at(13)), "+f"(at(14)), "+f"(at(15))
      : "l"(left), "l"(right));
}
// sums = 16 columns of left by those of right, turned.
__device__ inline void first_product(Sums<DeviceLanes, 64>& sums, std::uint64_t left,
                                     std::uint64_t right) {
  const auto at = [&](int i) -> float& { return sums[i / 4].own.at[i % 4]; };
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"
      "%25,%26,%27,%28,%29,%30,%31}, "
      "%32, %33, 0, 1, 1, 0, 0;"
      : "=f"(at(0)), "=f"(at(1)), "=f"(at(2)), "=f"(at(3)), "=f"(at(4)), "=f"(at(5)), "=f"(at(6)),
        "=f"(at(7)), "=f"(at(8)), "=f"(at(9)), "=f"(at(10)), "=f"(at(11)), "=f"(at(12)),
        "=f"(at(13)), "=f"(at(14)), "=f"(at(15)), "=f"(at(16)), "=f"(at(17)), "=f"(at(18)),
        "=f"(at(19)), "=f"(at(20)), "=f"(at(21)), "=f"(at(22)), "=f"(at(23)), "=f"(at(24)),
        "=f"(at(25)), "=f"(at(26)), "=f"(at(27)), "=f"(at(28)), "=f"(at(29)), "=f"(at(30)),
        "=f"(at(31))
      : "l"(left), "l"(right));
}
// sums += 16 columns of left by those of right, turned.
__device__ inline void next_product(Sums<DeviceLanes, 64>& sums, std::uint64_t left,
                                    std::uint64_t right) {
  const auto at = [&](int i) -> float& { return sums[i / 4].own.at[i % 4]; };
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"
      "%25,%26,%27,%28,%29,%30,%31}, "
      "%32, %33, 1, 1, 1, 0, 0;"
      : "+f"(at(0)), "+f"(at(1)), "+f"(at(2)), "+f"(at(3)), "+f"(at(4)), "+f"(at(5)), "+f"(at(6)),
        "+f"(at(7)), "+f"(at(8)), "+f"(at(9)), "+f"(at(10)), "+f"(at(11)), "+f"(at(12)),
        "+f"(at(13)), "+f"(at(14)), "+f"(at(15)), "+f"(at(16)), "+f"(at(17)), "+f"(at(18)),
        "+f"(at(19)), "+f"(at(20)), "+f"(at(21)), "+f"(at(22)), "+f"(at(23)), "+f"(at(24)),
        "+f"(at(25)), "+f"(at(26)), "+f"(at(27)), "+f"(at(28)), "+f"(at(29)), "+f"(at(30)),
        "+f"(at(31))
      : "l"(left), "l"(right));
}
// sums += left, in registers, by 16 rows of 64 columns.
__device__ inline void next_product(Sums<DeviceLanes, 64>& sums, const Words& left,
                                    std::uint64_t right) {
  const auto at = [&](int i) -> float& { return sums[i / 4].own.at[i % 4]; };
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"
      "%25,%26,%27,%28,%29,%30,%31}, {%32,%33,%34,%35}, %36, 1, 1, 1, 1;"
      : "+f"(at(0)), "+f"(at(1)), "+f"(at(2)), "+f"(at(3)), "+f"(at(4)), "+f"(at(5)), "+f"(at(6)),
        "+f"(at(7)), "+f"(at(8)), "+f"(at(9)), "+f"(at(10)), "+f"(at(11)), "+f"(at(12)),
        "+f"(at(13)), "+f"(at(14)), "+f"(at(15)), "+f"(at(16)), "+f"(at(17)), "+f"(at(18)),
        "+f"(at(19)), "+f"(at(20)), "+f"(at(21)), "+f"(at(22)), "+f"(at(23)), "+f"(at(24)),
        "+f"(at(25)), "+f"(at(26)), "+f"(at(27)), "+f"(at(28)), "+f"(at(29)), "+f"(at(30)),
        "+f"(at(31))
      : "r"(left.at[0]), "r"(left.at[1]), "r"(left.at[2]), "r"(left.at[3]), "l"(right));
}
#endif

// sums = left right^T: the group's 64 rows by kColumns rows. The sums are there after the wait.
template <class L, int kColumns>
BERTHA_TWIN void multiply_rows(Sums<L, kColumns>& sums, SharedRows left, int warp,
                               SharedRows right) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const std::uint64_t left_matrix = matrix_of(left), right_matrix = matrix_of(right);
  BERTHA_UNROLL
  for (int depth = 0; depth < kDepthSteps; ++depth) {
    const auto step = static_cast<std::uint64_t>(depth) * kNextColumns;
    if (depth == 0) first_product(sums, left_matrix, right_matrix);
    if (depth > 0) next_product(sums, left_matrix + step, right_matrix + step);
  }
#else
  clear(sums);
  const SharedRows own = left.from(warp % kGroupWarps * kWarpRows);
  BERTHA_UNROLL
  for (int depth = 0; depth < kDepthSteps; ++depth) {
    typename L::template Each<Words> rows;
    load_left<L>(rows, own, 0, depth);
    BERTHA_UNROLL
    for (int n = 0; n < kColumns / 16; ++n) {
      typename L::template Each<Words> columns;
      load_right<L>(columns, right, 16 * n, depth);
      multiply_tiles<L>(sums[2 * n], rows, columns, 0, 1);
      multiply_tiles<L>(sums[2 * n + 1], rows, columns, 2, 3);
    }
  }
#endif
}

// sums += left right, where right is kRows rows of 64 columns.
template <class L, int kRows>
BERTHA_TWIN void multiply_by_rows(Sums<L, kHeadSize>& sums, const LeftWords<L, kRows>& left,
                                  SharedRows right) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  const std::uint64_t matrix = matrix_of(right);
  BERTHA_UNROLL
  for (int k = 0; k < kRows / 16; ++k) {
    next_product(sums, left[k].own, matrix + k * kNextRows);
  }
#else
  BERTHA_UNROLL
  for (int k = 0; k < kRows / 16; ++k) {
    BERTHA_UNROLL
    for (int n = 0; n < kHeadSize / 16; ++n) {
      typename L::template Each<Words> rows;
      load_right_as_it_lies<L>(rows, right, 16 * k, n);
      multiply_tiles<L>(sums[2 * n], left[k], rows, 0, 1);
      multiply_tiles<L>(sums[2 * n + 1], left[k], rows, 2, 3);
    }
  }
#endif
}

}  // namespace bertha::twin
