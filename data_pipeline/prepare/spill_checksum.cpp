// Words of 64 bits in four lanes. Each step is a bijection of the lane, and one of the word, so a
// single wrong word always shows.
#include "data_pipeline/prepare/spill_checksum.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace bertha {
namespace {

constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;

std::uint64_t step(std::uint64_t lane, std::uint64_t word) {
  constexpr int kTurn = 29;
  return std::rotl((lane ^ word) * kOdd, kTurn);
}

}  // namespace

void SpillChecksum::add(const unsigned char* blocks, std::size_t count) {
  Block lanes = lanes_;  // in registers: bytes may be anything's, also this object's
  for (; count > 0; --count, blocks += sizeof(Block)) {
    Block words;
    std::memcpy(words.data(), blocks, sizeof words);
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = step(lanes[i], words[i]);
  }
  lanes_ = lanes;
}

void SpillChecksum::update(const void* data, std::size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(data);
  bytes_ += bytes;
  while (bytes > 0) {
    if (rest_bytes_ == 0 && bytes >= sizeof(Block)) {
      const std::size_t blocks = bytes / sizeof(Block);
      add(at, blocks);
      at += blocks * sizeof(Block);
      bytes -= blocks * sizeof(Block);
      continue;
    }
    const std::size_t more = std::min(bytes, sizeof(Block) - rest_bytes_);
    std::memcpy(rest_.data() + rest_bytes_, at, more);
    at += more;
    bytes -= more;
    rest_bytes_ += more;
    if (rest_bytes_ == sizeof(Block)) {
      add(rest_.data(), 1);
      rest_bytes_ = 0;
    }
  }
}

std::uint64_t SpillChecksum::value() const {
  SpillChecksum whole = *this;
  std::fill(whole.rest_.begin() + static_cast<std::ptrdiff_t>(rest_bytes_), whole.rest_.end(),
            static_cast<unsigned char>(0));
  whole.add(whole.rest_.data(), 1);
  std::uint64_t sum = bytes_;
  for (const std::uint64_t lane : whole.lanes_) sum = step(sum, lane);
  return sum;
}

}  // namespace bertha
