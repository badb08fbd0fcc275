// Valid UTF-8 a code point at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bertha {

struct CodePoint {
  std::int32_t value = -1;  // negative: ill-formed
  std::size_t bytes = 0;
};

CodePoint first_wide_code_point(std::string_view text);
CodePoint last_wide_code_point(std::string_view text);

// Of two or three bytes that make one character; without bytes where they do not.
inline CodePoint pair_code_point(const char* bytes) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(bytes[i]); };
  if (byte(0) < 0xC2 || byte(0) > 0xDF || (byte(1) & 0xC0) != 0x80) return {};
  return {(byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), 2};
}
inline CodePoint triple_code_point(const char* bytes) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(bytes[i]); };
  if ((byte(0) & 0xF0) != 0xE0 || (byte(1) & 0xC0) != 0x80 || (byte(2) & 0xC0) != 0x80) return {};
  const std::int32_t value = (byte(0) & 0xF) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
  if (value < 0x800 || (value >= 0xD800 && value < 0xE000)) return {};
  return {value, 3};
}

// `text` is not empty.
inline CodePoint first_code_point(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  if (byte < 0x80) return {byte, 1};
  CodePoint found;
  if (text.size() > 1) found = pair_code_point(text.data());
  if (found.bytes == 0 && text.size() > 2) found = triple_code_point(text.data());
  return found.bytes > 0 ? found : first_wide_code_point(text);
}
inline CodePoint last_code_point(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.back());
  if (byte < 0x80) return {byte, 1};
  const char* const end = text.data() + text.size();
  CodePoint found;
  if (text.size() > 1) found = pair_code_point(end - 2);
  if (found.bytes == 0 && text.size() > 2) found = triple_code_point(end - 3);
  return found.bytes > 0 ? found : last_wide_code_point(text);
}

void append_code_point(std::int32_t value, std::string& text);

std::string_view trim_any_start(std::string_view text);
std::string_view trim_any(std::string_view text);

// Whether a byte is a visible character of ASCII, as those at the ends of most texts are.
inline bool is_visible_ascii(char byte) {
  return byte > ' ' && byte < 0x7F;
}

// Without Unicode white space at the start; at both ends.
inline std::string_view trim_start(std::string_view text) {
  return !text.empty() && is_visible_ascii(text.front()) ? text : trim_any_start(text);
}
inline std::string_view trim(std::string_view text) {
  const bool plain =
      !text.empty() && is_visible_ascii(text.front()) && is_visible_ascii(text.back());
  return plain ? text : trim_any(text);
}

}  // namespace bertha
