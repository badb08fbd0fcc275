// Damages the bytes of a file in the ways that disks, networks and people with bad intentions do.
// The same number always does the same damage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "parallel/base/philox.h"

namespace bertha {

class Damage {
 public:
  Damage(std::string bytes, std::uint64_t number, std::uint64_t seed = 17)
      : bytes_(std::move(bytes)), random_(seed, RandomPurpose::sample_order, number) {
    // Headers and metadata lie at the beginning, and are a small part of most files.
    const bool anywhere = random_.next_below(2) == 0;
    reach_ = anywhere ? bytes_.size() : std::min<std::size_t>(bytes_.size(), 8192);
  }

  std::string make() {
    switch (bytes_.empty() ? 3 : random_.next_below(10)) {
      case 0:
        bytes_.resize(below(bytes_.size()));
        break;
      case 1:
        fill(static_cast<char>(random_.next_below(2) * 255));
        break;
      case 2:
        copy_over();
        break;
      case 3:
        insert_again();
        break;
      case 4:
        bytes_.erase(place(), 1 + below(40));
        break;
      case 5:
        write_number();
        break;
      case 6:
        repeat();
        break;
      default:
        flip_bytes(1 + random_.next_below(8));
    }
    return std::move(bytes_);
  }

 private:
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(random_.next_below(std::max<std::size_t>(1, limit)));
  }
  std::size_t place() { return below(reach_); }

  void flip_bytes(std::uint64_t count) {
    for (; count > 0; --count) {
      auto& byte = bytes_[place()];
      byte = static_cast<char>(byte ^ static_cast<char>(1 + random_.next_below(255)));
    }
  }
  void fill(char value) {
    const auto begin = place();
    const auto end = std::min(bytes_.size(), begin + 1 + below(64));
    std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(begin),
              bytes_.begin() + static_cast<std::ptrdiff_t>(end), value);
  }
  // A block where another was: of a few bytes, or of a disk's or a buffer's size.
  void copy_over() {
    const auto size = random_.next_below(2) == 0 ? 1 + below(64) : std::size_t{512} << below(4);
    if (size >= bytes_.size()) return flip_bytes(1);
    const auto kept = bytes_.substr(below(bytes_.size() - size), size);
    bytes_.replace(below(bytes_.size() - size), size, kept);
  }
  void insert_again() {
    const auto begin = place();
    bytes_.insert(place(), bytes_.substr(begin, 1 + below(2000)));
  }
  // Sizes, addresses and counts gone wild.
  void write_number() {
    constexpr std::uint64_t kWild[] = {0,          1,           0xFFFF,      UINT32_MAX,
                                       UINT64_MAX, 1ULL << 63U, 1ULL << 40U, 0x7FFFFFFF};
    const auto value = kWild[below(std::size(kWild))];
    const auto width = std::size_t{1} << below(4);
    const auto at = place();
    for (std::size_t i = 0; i < width && at + i < bytes_.size(); ++i) {
      bytes_[at + i] = static_cast<char>(value >> (8 * i) & 255U);
    }
  }
  // What opens something, so often that recursion would run out of stack.
  void repeat() {
    constexpr std::string_view kParts[] = {"[",  "{",    "{{",  "[[",   "{|\n",   "<ref>",
                                           "\"", "\\",   "<a>", "\n",   "\t",     "&amp;",
                                           "=",  "\xF0", "''",  "[[a|", "{\"a\":"};
    const auto part = kParts[below(std::size(kParts))];
    const auto count = std::size_t{1} << below(15);
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += part;
    bytes_.insert(std::min(place(), bytes_.size()), text);
  }

  std::string bytes_;
  Philox random_;
  std::size_t reach_ = 0;
};

}  // namespace bertha
