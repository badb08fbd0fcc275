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

// `text` is not empty.
CodePoint first_code_point(std::string_view text);
CodePoint last_code_point(std::string_view text);

void append_code_point(std::int32_t value, std::string& text);

// Without Unicode white space at the start; at both ends.
std::string_view trim_start(std::string_view text);
std::string_view trim(std::string_view text);

}  // namespace bertha
