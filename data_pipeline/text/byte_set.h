// A set of bytes that is looked for in text: 32 bytes at a time where the CPU has AVX2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bertha {

class ByteSet {
 public:
  constexpr ByteSet() = default;
  // `has(byte)`: whether it belongs to the set.
  template <class Predicate>
  explicit constexpr ByteSet(const Predicate& has) {
    for (std::size_t byte = 0; byte < has_.size(); ++byte) {
      has_[byte] = has(static_cast<unsigned char>(byte)) ? 1 : 0;
    }
    find_halves();
  }

  bool contains(char byte) const { return has_[static_cast<unsigned char>(byte)] != 0; }
  // The first place from `from` on that holds one of them; the size where there is none.
  std::size_t find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::size_t kHalves = 16;  // values of half a byte
  // A byte belongs to the set where by_low_[lower half] and by_high_[upper half] share a bit: upper
  // halves that go with the same lower ones have a bit together, so eight kinds of them fit.
  constexpr void find_halves() {
    std::array<std::uint16_t, 8> kinds{};  // lower halves, as bits
    std::size_t count = 0;
    for (std::size_t high = 0; high < kHalves; ++high) {
      std::uint16_t lows = 0;
      for (std::size_t low = 0; low < kHalves; ++low) {
        lows = static_cast<std::uint16_t>(lows | has_[high * kHalves + low] << low);
      }
      std::size_t kind = 0;
      while (kind < count && kinds[kind] != lows) ++kind;
      if (lows == 0) continue;
      if (kind == kinds.size()) return;
      if (kind == count) kinds[count++] = lows;
      by_high_[high] = static_cast<std::uint8_t>(1U << kind);
    }
    for (std::size_t low = 0; low < kHalves; ++low) {
      for (std::size_t kind = 0; kind < count; ++kind) {
        by_low_[low] = static_cast<std::uint8_t>(by_low_[low] | (kinds[kind] >> low & 1U) << kind);
      }
    }
    halves_tell_ = true;
  }
  std::size_t find_by_blocks(std::string_view text, std::size_t from) const;

  std::array<std::uint8_t, 256> has_{};
  std::array<std::uint8_t, kHalves> by_low_{}, by_high_{};
  bool halves_tell_ = false;
};

}  // namespace bertha
