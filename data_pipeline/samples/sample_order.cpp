// A balanced Feistel network over the smallest even number of bits that holds `size`.
#include "data_pipeline/samples/sample_order.h"

#include <bit>

namespace bertha {
namespace {

// Four rounds of a random function are a pseudorandom permutation (Luby and Rackoff 1988) of large
// halves; halves of a few bits need more until all orders are about equally likely.
constexpr std::uint32_t kRounds = 6, kSmallHalfRounds = 16;
constexpr int kSmallHalfBits = 7;

}  // namespace

SampleOrder::SampleOrder(std::uint64_t size, std::uint64_t seed, std::uint32_t epoch,
                         RandomPurpose purpose)
    : size_(size), seed_(seed), epoch_(epoch), purpose_(purpose) {
  const int bits = size > 1 ? static_cast<int>(std::bit_width(size - 1)) : 1;
  half_bits_ = (bits + 1) / 2;
}

std::uint64_t SampleOrder::permute(std::uint64_t value) const {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_;
  std::uint64_t right = value & mask;
  const auto rounds = half_bits_ <= kSmallHalfBits ? kSmallHalfRounds : kRounds;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const std::uint64_t mixed = Philox(seed_, purpose_, right, epoch_).block(round)[0];
    const std::uint64_t swapped = (left ^ mixed) & mask;
    left = right;
    right = swapped;
  }
  return (left << half_bits_) | right;
}

// A walk along the permutation's cycle comes back into [0, size) at the latest where it began, and
// on average after fewer than four steps.
std::uint64_t SampleOrder::at(std::uint64_t place) const {
  std::uint64_t value = permute(place);
  while (value >= size_) value = permute(value);
  return value;
}

}  // namespace bertha
