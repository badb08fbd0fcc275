// The only place that uses ICU's UTF-8 macros.
#include "data_pipeline/text/code_points.h"

#include <algorithm>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

namespace bertha {
namespace {

constexpr std::size_t kLongestSequence = 4;

// Unicode's White_Space. Letters of most alphabets lie where there is none.
bool is_space(std::int32_t c) {
  constexpr std::int32_t kNoBreakSpace = 0xA0, kOghamSpace = 0x1680;
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  if (c > kNoBreakSpace && c < kOghamSpace) return false;
  return u_isUWhiteSpace(c) != 0;
}

}  // namespace

CodePoint first_wide_code_point(std::string_view text) {
  const auto size = static_cast<std::int32_t>(std::min(text.size(), kLongestSequence));
  std::int32_t at = 0;
  UChar32 c = 0;
  U8_NEXT(reinterpret_cast<const std::uint8_t*>(text.data()), at, size, c);
  return {c, static_cast<std::size_t>(at)};
}

CodePoint last_wide_code_point(std::string_view text) {
  const std::string_view tail = text.substr(text.size() - std::min(text.size(), kLongestSequence));
  const auto size = static_cast<std::int32_t>(tail.size());
  std::int32_t at = size;
  UChar32 c = 0;
  U8_PREV(reinterpret_cast<const std::uint8_t*>(tail.data()), 0, at, c);
  return {c, static_cast<std::size_t>(size - at)};
}

void append_code_point(std::int32_t value, std::string& text) {
  char encoded[kLongestSequence];
  std::size_t length = 0;
  U8_APPEND_UNSAFE(encoded, length, value);
  text.append(encoded, length);
}

std::string_view trim_any_start(std::string_view text) {
  while (!text.empty()) {
    const CodePoint first = first_code_point(text);
    if (!is_space(first.value)) break;
    text.remove_prefix(first.bytes);
  }
  return text;
}

std::string_view trim_any(std::string_view text) {
  text = trim_any_start(text);
  while (!text.empty()) {
    const CodePoint last = last_code_point(text);
    if (!is_space(last.value)) break;
    text.remove_suffix(last.bytes);
  }
  return text;
}

}  // namespace bertha
