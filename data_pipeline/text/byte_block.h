// Sixteen bytes at a time, in the vector registers that every CPU of its kind has.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bertha {

using ByteBlock = unsigned char __attribute__((vector_size(16)));
using ByteMask = signed char __attribute__((vector_size(16)));  // what comparisons give

inline ByteBlock load_block(const char* bytes) {
  ByteBlock block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

// The number of the first byte that the mask marks; 16 when there is none.
inline std::size_t first_in(ByteMask mask) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof mask);
  const int bit = halves[0] != 0 ? std::countr_zero(halves[0]) : 64 + std::countr_zero(halves[1]);
  return static_cast<std::size_t>(bit) / 8;
}

inline bool is_any(ByteMask mask) {
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof mask);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace bertha
