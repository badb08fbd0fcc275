// The 32 lanes of a warp: on the GPU every thread is one of them, on the host one after the other
// takes its turn. What a lane remembers from step to step is a PerLane.
#pragma once

#include <vector>

#include "trainer/kernels/cuda/tiles.h"
#include "trainer/kernels/cuda/twin.h"

namespace bertha::twin {

template <bool kWhole>
BERTHA_TWIN int octet_count(std::int64_t columns_left) {
  return kWhole ? kOctet : static_cast<int>(smaller(kOctet, columns_left));
}

struct HostWarp {
  template <class V>
  struct PerLane {
    explicit PerLane(const V& value) {
      for (auto& lane : lanes) lane = value;
    }
    V& operator[](int lane) { return lanes[lane]; }
    V lanes[kLanes];
  };

  template <class Step>
  void each_lane(Step step) const {
    for (int lane = 0; lane < kLanes; ++lane) step(lane);
  }
  // All columns; a lane takes the same ones in every pass over a row.
  template <class Step>
  void over(std::int64_t columns, Step step) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (std::int64_t c = lane * kOctet; c < columns; c += kLanes * kOctet) {
        step(Octets{c, static_cast<int>(smaller(kOctet, columns - c)), lane});
      }
    }
  }
  // The same with at most kSteps octets a lane; step also learns which of them it is.
  template <int kSteps, bool kWhole, class Step>
  void over_few(std::int64_t columns, Step step) const {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int n = 0; n < kSteps; ++n) {
        const std::int64_t c = (n * kLanes + lane) * kOctet;
        if (c < columns) step(Octets{c, octet_count<kWhole>(columns - c), lane}, n);
      }
    }
  }
  // Combines all lanes along a butterfly; every lane gets the result.
  template <class V, class Combine>
  V combine(PerLane<V>& values, Combine combine) const {
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
      PerLane<V> before = values;
      for (int lane = 0; lane < kLanes; ++lane) {
        values[lane] = combine(before[lane], before[lane ^ distance]);
      }
    }
    return values[0];
  }
  void wait() const {}  // for what other lanes have written
};

#ifdef __CUDACC__
template <class V>
__device__ inline V shuffled(const V& value, int distance) {
  static_assert(sizeof(V) % sizeof(int) == 0);
  V other;
  int words[sizeof(V) / sizeof(int)];
  memcpy(words, &value, sizeof(V));
  for (auto& word : words) word = __shfl_xor_sync(0xFFFFFFFFU, word, distance);
  memcpy(&other, words, sizeof(V));
  return other;
}

struct DeviceWarp {
  template <class V>
  struct PerLane {
    __device__ explicit PerLane(const V& value) : own(value) {}
    __device__ V& operator[](int) { return own; }
    V own;
  };

  template <class Step>
  __device__ void each_lane(Step step) const {
    step(lane);
  }
  template <class Step>
  __device__ void over(std::int64_t columns, Step step) const {
    for (std::int64_t c = lane * kOctet; c < columns; c += kLanes * kOctet) {
      step(Octets{c, static_cast<int>(smaller(kOctet, columns - c)), lane});
    }
  }
  // Unrolled, so that arrays indexed by n stay in registers, unless there are too many anyway.
  template <int kSteps, bool kWhole, class Step>
  __device__ void over_few(std::int64_t columns, Step step) const {
    constexpr int kUnrolled = kSteps <= 8 ? kSteps : 1;
#pragma unroll kUnrolled
    for (int n = 0; n < kSteps; ++n) {
      const int c = (n * kLanes + lane) * kOctet;
      if (c < columns) step(Octets{c, octet_count<kWhole>(columns - c), lane}, n);
    }
  }
  template <class V, class Combine>
  __device__ V combine(PerLane<V>& values, Combine combine) const {
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
      values.own = combine(values.own, shuffled(values.own, distance));
    }
    return values.own;
  }
  __device__ void wait() const {
    __syncwarp();
  }

  int lane;
};
#endif

template <class W>
BERTHA_TWIN float total_of(const W& warp, typename W::template PerLane<float>& values) {
  return warp.combine(values, [](float a, float b) { return a + b; });
}
template <class W>
BERTHA_TWIN double total_of(const W& warp, typename W::template PerLane<double>& values) {
  return warp.combine(values, [](double a, double b) { return a + b; });
}
template <class W>
BERTHA_TWIN float largest_of(const W& warp, typename W::template PerLane<float>& values) {
  return warp.combine(values, [](float a, float b) { return a > b ? a : b; });
}

// Runs a list of work, one warp each, in any order, with `floats` of memory per warp.
struct HostRunner {
  template <class Work>
  void run(const Work& work, std::int64_t count, std::int64_t floats) const {
    // Rounded up to vectors and left dirty, as shared memory is.
    std::vector<Octet> memory(static_cast<std::size_t>(round_up(floats, kOctet) / kOctet + 1),
                              filled(1e30F));
    for (std::int64_t i = count - 1; i >= 0; --i) work(i, HostWarp(), memory.data()->at);
  }

  // The same for blocks of warps.
  template <class Work>
  void run_blocks(const Work& work, std::int64_t count) const {
    constexpr std::size_t bytes =
        Work::kSharedRows * kRowBytes + Work::kSharedFloats * sizeof(float);
    std::vector<Octet> memory(bytes / sizeof(Octet) + 1, filled(NAN));
    for (std::int64_t i = count - 1; i >= 0; --i) {
      work(i, HostBlock(), reinterpret_cast<Bf16*>(memory.data()));
    }
  }
};

}  // namespace bertha::twin
