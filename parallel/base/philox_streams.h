// The first numbers of several Philox streams at once: for whoever draws little from each of many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "parallel/base/philox.h"

namespace bertha {

inline constexpr std::size_t kStreamsAtOnce = 16;

// Streams of one key and substream.
struct PhiloxStreams {
  PhiloxKey key{};
  std::uint32_t substream = 0;
  alignas(64) std::array<std::uint64_t, kStreamsAtOnce> streams{};
};

// [n][s] is what the n-th call of next_u64() of Philox gives for stream s.
struct alignas(64) FirstNumbers : std::array<std::array<std::uint64_t, kStreamsAtOnce>, 4> {};

// Sets the first two of the four, or all.
using DrawFirstNumbers = void (*)(const PhiloxStreams& of, FirstNumbers& numbers);
struct FirstNumberWays {
  DrawFirstNumbers two, four;
};

// The ways that this processor has, with the same bits: the plain one first, the fastest last.
std::vector<FirstNumberWays> first_number_ways();

}  // namespace bertha
