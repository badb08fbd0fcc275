// A sum over the bytes of a spill file. It tells a whole file from what a machine that failed left
// of it, at a tenth of what SHA-256 takes; the corpus itself is held by SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bertha {

class SpillChecksum {
 public:
  // In any pieces: only the bytes end to end count.
  void update(const void* data, std::size_t bytes);
  std::uint64_t value() const;

 private:
  static constexpr std::size_t kLanes = 4;
  using Block = std::array<std::uint64_t, kLanes>;
  void add(const unsigned char* blocks, std::size_t count);

  Block lanes_{1, 2, 3, 4};
  std::array<unsigned char, sizeof(Block)> rest_{};  // less than a block
  std::size_t rest_bytes_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace bertha
