// What a block of eight warps does with tiles of matrices: loads from shared memory into the
// registers of a warp, and the tensor cores' product of them. On the host the same, lane by lane.
// Layouts are those of PTX' mma.m16n8k16 and ldmatrix (PTX ISA, "Matrix fragments for
// mma.m16n8k16").
#pragma once

#include "trainer/kernels/cuda/twin.h"

namespace bertha::twin {

inline constexpr int kBlockWarps = 8, kBlockThreads = kBlockWarps * kLanes;
inline constexpr std::size_t kRowBytes = 128;  // of shared memory

struct Quad {
  float at[4];
};
struct Words {  // two bf16 each
  std::uint32_t at[4];
};

// Lanes one after the other; what a lane remembers is an Each.
struct HostLanes {
  template <class V>
  struct Each {
    V& operator[](int lane) { return lanes[lane]; }
    const V& operator[](int lane) const { return lanes[lane]; }
    V lanes[kLanes];
  };
  template <class Step>
  static void each(Step step) {
    for (int lane = 0; lane < kLanes; ++lane) step(lane);
  }
  template <class Test>
  static bool any(Test test) {
    bool found = false;
    for (int lane = 0; lane < kLanes; ++lane) found = test(lane) || found;
    return found;
  }
  // Combines the lanes whose numbers differ in the bits of first ... last / 2 only.
  template <int kFirst, int kLast, class Combine>
  static void combine(Each<float>& values, Combine combine) {
    for (int distance = kFirst; distance < kLast; distance *= 2) {
      const Each<float> before = values;
      each([&](int lane) { values[lane] = combine(before[lane], before[lane ^ distance]); });
    }
  }
  // What the lane has whose number differs by this bit.
  template <class V>
  static void exchange(Each<V>& values, int distance) {
    const Each<V> before = values;
    each([&](int lane) { values[lane] = before[lane ^ distance]; });
  }
  static void wait() {}  // for what other lanes have written
};

// All warps and threads of a block one after the other, between one sync() and the next.
struct HostBlock {
  using Lanes = HostLanes;
  template <class V>
  struct PerWarp {
    V& operator[](int warp) { return warps[warp]; }
    V warps[kBlockWarps];
  };
  template <class Step>
  void each_warp(Step step) const {
    for (int warp = 0; warp < kBlockWarps; ++warp) step(warp);
  }
  template <class Step>
  void each_thread(Step step) const {
    for (int thread = 0; thread < kBlockThreads; ++thread) step(thread);
  }
  void sync() const {}
};

#ifdef __CUDACC__
struct DeviceLanes {
  template <class V>
  struct Each {
    __device__ V& operator[](int) { return own; }
    __device__ const V& operator[](int) const { return own; }
    V own;
  };
  template <class Step>
  __device__ static void each(Step step) {
    step(static_cast<int>(threadIdx.x) % kLanes);
  }
  template <class Test>
  __device__ static bool any(Test test) {
    return __any_sync(0xFFFFFFFFU, test(static_cast<int>(threadIdx.x) % kLanes)) != 0;
  }
  template <int kFirst, int kLast, class Combine>
  __device__ static void combine(Each<float>& values, Combine combine) {
#pragma unroll
    for (int distance = kFirst; distance < kLast; distance *= 2) {
      values.own = combine(values.own, __shfl_xor_sync(0xFFFFFFFFU, values.own, distance));
    }
  }
  template <class V>
  __device__ static void exchange(Each<V>& values, int distance) {
    values.own = __shfl_xor_sync(0xFFFFFFFFU, values.own, distance);
  }
  __device__ static void wait() {
    __syncwarp();
  }
};

struct DeviceBlock {
  using Lanes = DeviceLanes;
  template <class V>
  struct PerWarp {
    __device__ V& operator[](int) { return own; }
    V own;
  };
  template <class Step>
  __device__ void each_warp(Step step) const {
    // By way of a shuffle the compiler learns that it is the same in all lanes.
    step(__shfl_sync(0xFFFFFFFFU, static_cast<int>(threadIdx.x) / kLanes, 0));
  }
  template <class Step>
  __device__ void each_thread(Step step) const {
    step(static_cast<int>(threadIdx.x));
  }
  __device__ void sync() const { __syncthreads(); }
};
#endif

// Two numbers rounded to bf16, the first in the lower half.
BERTHA_TWIN std::uint32_t packed_pair(float low, float high) {
#ifdef __CUDA_ARCH__
  std::uint32_t pair = 0;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  Bf16 values[2];
  set_value(values[0], low);
  set_value(values[1], high);
  return values[0].bits | (static_cast<std::uint32_t>(values[1].bits) << 16);
#endif
}

// Four matrices of 8 x 8 from shared memory: row(lane) is the place of row lane % 8 of matrix
// lane / 8. Lane 4 g + t gets of each matrix row g, columns 2 t and 2 t + 1; kTurned: of column g
// the rows 2 t and 2 t + 1.
template <class L, bool kTurned, class Row>
BERTHA_TWIN void load_matrices(typename L::template Each<Words>& to, Row row) {
#ifdef __CUDA_ARCH__
  L::each([&](int lane) {
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row(lane)));
    auto& words = to[lane].at;
    if constexpr (kTurned) {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                   : "r"(address)
                   : "memory");
    } else {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                   : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                   : "r"(address)
                   : "memory");
    }
  });
#else
  L::each([&](int lane) {
    for (int matrix = 0; matrix < 4; ++matrix) {
      const int group = lane / 4, pair = lane % 4 * 2;
      std::uint32_t halves[2];
      for (int i = 0; i < 2; ++i) {
        const Bf16* from =
            kTurned ? row(matrix * 8 + pair + i) + group : row(matrix * 8 + group) + pair + i;
        halves[i] = from->bits;
      }
      to[lane].at[matrix] = halves[0] | (halves[1] << 16);
    }
  });
#endif
}

// sums[16 x 8] += left[16 x 16] right[16 x 8]. Lane 4 g + t holds of the sums rows g (0, 1) and g +
// 8 (2, 3), columns 2 t and 2 t + 1; of left the same rows, columns 2 t (0: g, 1: g + 8) and 2 t +
// 8 (2, 3); of right column g, rows 2 t (low) and 2 t + 8 (high).
template <class L>
BERTHA_TWIN void multiply_tiles(typename L::template Each<Quad>& sums,
                                const typename L::template Each<Words>& left,
                                const typename L::template Each<Words>& right, int low, int high) {
#ifdef __CUDA_ARCH__
  L::each([&](int lane) {
    auto& sum = sums[lane].at;
    const auto& a = left[lane].at;
    const auto& b = right[lane].at;
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[low]), "r"(b[high]));
  });
#else
  const auto half = [](std::uint32_t word, int i) { return widen((word >> (16 * i)) & 0xFFFFU); };
  L::each([&](int lane) {
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      float sum = 0;
      for (int k = 0; k < 16; ++k) {
        const int from = k % 8 / 2;
        sum += half(left[row % 8 * 4 + from].at[row / 8 + k / 8 * 2], k % 2) *
               half(right[column * 4 + from].at[k < 8 ? low : high], k % 2);
      }
      sums[lane].at[i] += sum;
    }
  });
#endif
}

}  // namespace bertha::twin
