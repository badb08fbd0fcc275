// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3", SC 2011). The same (seed, purpose, counter) gives the same number
// on any rank, thread or device, so nothing random has a state that must be saved.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace bertha {

// What a random number is for. Values are part of the reproducibility contract: never renumber.
enum class RandomPurpose : std::uint32_t {
  initial_weights = 1,
  sample_order = 2,
  sentence_pairs = 3,
  masking = 4,
  dropout = 5,
  validation_split = 6,
  labelled_split = 7,
  labelled_order = 8,
  moment_rounding = 9,
  block_order = 20,
};

using PhiloxBlock = std::array<std::uint32_t, 4>;
__extension__ using Wide = unsigned __int128;

// One block of four 32-bit numbers for a 128-bit counter under a 64-bit key. Fewer than ten rounds
// only where speed counts and nothing else depends on the numbers: seven are the least that the
// paper found to pass all tests (table 2).
constexpr PhiloxBlock philox_block(PhiloxBlock counter, std::uint32_t key0, std::uint32_t key1,
                                   int rounds = 10) {
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t product0 = 0xD2511F53ULL * counter[0];
    const std::uint64_t product1 = 0xCD9E8D57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
               static_cast<std::uint32_t>(product0)};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

struct PhiloxKey {
  std::uint32_t low, high;
};
constexpr PhiloxKey philox_key(std::uint64_t seed, RandomPurpose purpose) {
  return {
      static_cast<std::uint32_t>(seed),
      static_cast<std::uint32_t>(seed >> 32) ^ (static_cast<std::uint32_t>(purpose) * 0x85EBCA6BU)};
}

// A stream of numbers for one (seed, purpose, stream, substream): sequential use, jump by `block`.
// Substream is kept to 32 bits (an epoch, a layer site); stream to 64 (a sample, a document).
class Philox {
 public:
  constexpr Philox(std::uint64_t seed, RandomPurpose purpose, std::uint64_t stream,
                   std::uint32_t substream = 0)
      : key_(philox_key(seed, purpose)), stream_(stream), substream_(substream) {}

  constexpr std::uint32_t next_u32() {
    if (used_ == kBuffered) {
      // Two at once take hardly longer than one: neither waits for the other.
      const auto first = block(next_block_), second = block(next_block_ + 1);
      std::copy(first.begin(), first.end(), buffer_.begin());
      std::copy(second.begin(), second.end(), buffer_.begin() + 4);
      next_block_ += 2;
      used_ = 0;
    }
    return buffer_[used_++];
  }
  constexpr std::uint64_t next_u64() {
    const std::uint64_t high = next_u32();
    return (high << 32) | next_u32();
  }
  // As so many calls of next_u32.
  constexpr void skip(std::uint64_t numbers) {
    const auto left = std::min<std::uint64_t>(numbers, kBuffered - used_);
    used_ += static_cast<std::uint32_t>(left);
    numbers -= left;
    next_block_ += static_cast<std::uint32_t>(numbers / kBuffered * 2);
    for (numbers %= kBuffered; numbers > 0; --numbers) next_u32();
  }
  // Uniform in [0, 1) with 53 bits.
  constexpr double next_double() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }
  // Uniform in [0, bound), bound > 0, unbiased (Lemire's multiply with rejection).
  constexpr std::uint64_t next_below(std::uint64_t bound) {
    for (;;) {
      const auto wide = static_cast<Wide>(next_u64()) * bound;
      const auto low = static_cast<std::uint64_t>(wide);
      if (low >= bound || low >= (0 - bound) % bound) return static_cast<std::uint64_t>(wide >> 64);
    }
  }
  // Block number n of this stream, independent of what was drawn before.
  constexpr PhiloxBlock block(std::uint32_t n) const {
    return philox_block({n, substream_, static_cast<std::uint32_t>(stream_),
                         static_cast<std::uint32_t>(stream_ >> 32)},
                        key_.low, key_.high);
  }

 private:
  static constexpr std::uint32_t kBuffered = 8;  // of two blocks

  PhiloxKey key_;
  std::uint64_t stream_;
  std::uint32_t substream_;
  std::uint32_t next_block_ = 0;
  std::array<std::uint32_t, kBuffered> buffer_{};
  std::uint32_t used_ = kBuffered;
};

}  // namespace bertha
