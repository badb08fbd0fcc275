// One code point out of bytes that may be anything, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bertha {

struct DecodedCodePoint {
  std::int32_t value;   // -1: these bytes begin no code point
  std::uint32_t bytes;  // 1 then
};

// `begin` is before `end`. Strict: no surrogates, no overlong forms, nothing past U+10FFFF.
inline DecodedCodePoint decode_code_point(const unsigned char* begin, const unsigned char* end) {
  const auto left = static_cast<std::size_t>(end - begin);
  const auto tail = [&](std::size_t i) -> std::int32_t { return begin[i] ^ 0x80; };
  const std::int32_t lead = begin[0];
  if (lead < 0x80) return {lead, 1};
  if (lead >= 0xC2 && lead < 0xE0 && left >= 2 && tail(1) < 0x40) {
    return {(lead & 0x1F) << 6 | tail(1), 2};
  }
  if (lead >= 0xE0 && lead < 0xF0 && left >= 3 && tail(1) < 0x40 && tail(2) < 0x40) {
    const std::int32_t value = (lead & 0xF) << 12 | tail(1) << 6 | tail(2);
    if (value >= 0x800 && (value < 0xD800 || value >= 0xE000)) return {value, 3};
  }
  if (lead >= 0xF0 && lead < 0xF5 && left >= 4 && tail(1) < 0x40 && tail(2) < 0x40 &&
      tail(3) < 0x40) {
    const std::int32_t value = (lead & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3);
    if (value >= 0x10000 && value < 0x110000) return {value, 4};
  }
  return {-1, 1};
}

inline void append_utf8(std::int32_t value, std::string& text) {
  const auto put = [&](std::int32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3F));
    put(0x80 | (value >> 6 & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

// Bytes that do not continue a code point: the number of code points of valid UTF-8.
inline std::size_t count_code_points(const char* text, std::size_t bytes) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < bytes; ++i) count += (text[i] & 0xC0) != 0x80;
  return count;
}

}  // namespace bertha
