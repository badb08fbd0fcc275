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

// `text` is not empty.
inline CodePoint first_code_point(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  return byte < 0x80 ? CodePoint{byte, 1} : first_wide_code_point(text);
}
inline CodePoint last_code_point(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.back());
  return byte < 0x80 ? CodePoint{byte, 1} : last_wide_code_point(text);
}

void append_code_point(std::int32_t value, std::string& text);

// Without Unicode white space at the start; at both ends.
std::string_view trim_start(std::string_view text);
std::string_view trim(std::string_view text);

}  // namespace bertha
