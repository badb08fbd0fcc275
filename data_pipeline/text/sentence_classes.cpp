// Asks ICU for the property of every code point of the basic plane once.
#include "data_pipeline/text/sentence_classes.h"

#include <array>
#include <string>

#include <unicode/uchar.h>

namespace bertha {
namespace {

SentenceClass class_of(std::int32_t code_point) {
  switch (u_getIntPropertyValue(code_point, UCHAR_SENTENCE_BREAK)) {
    case U_SB_ATERM:
      return SentenceClass::full_stop;
    case U_SB_STERM:
      return SentenceClass::terminator;
    case U_SB_LOWER:
      return SentenceClass::lower;
    case U_SB_UPPER:
      return SentenceClass::upper;
    case U_SB_OLETTER:
      return SentenceClass::letter;
    case U_SB_NUMERIC:
      return SentenceClass::numeric;
    case U_SB_CLOSE:
      return SentenceClass::close;
    case U_SB_SP:
      return SentenceClass::space;
    case U_SB_SCONTINUE:
      return SentenceClass::goes_on;
    case U_SB_EXTEND:
      return SentenceClass::extend;
    case U_SB_FORMAT:
      return SentenceClass::format;
    case U_SB_SEP:
      return SentenceClass::separator;
    case U_SB_CR:
      return SentenceClass::return_;
    case U_SB_LF:
      return SentenceClass::line_feed;
    default:
      return SentenceClass::other;
  }
}

constexpr bool is_surrogate(std::int32_t code_point) {
  return code_point >= 0xD800 && code_point <= 0xDFFF;
}

}  // namespace

const SentenceClasses& SentenceClasses::table() {
  static const SentenceClasses one;
  return one;
}

SentenceClasses::SentenceClasses() : classes_(kTabled) {
  std::array<bool, 256> may_stop{};  // by the first byte of a code point's UTF-8
  for (std::int32_t c = 0; c < static_cast<std::int32_t>(kTabled); ++c) {
    if (is_surrogate(c)) continue;  // not in UTF-8
    const SentenceClass value = class_of(c);
    classes_[static_cast<std::size_t>(c)] = value;
    if (!is_stop(value)) continue;
    std::string encoded;
    append_code_point(c, encoded);
    may_stop[static_cast<unsigned char>(encoded.front())] = true;
  }
  may_stop_ = ByteSet([&](unsigned char byte) { return byte >= 0xF0 || may_stop[byte]; });
}

SentenceClass SentenceClasses::of_rare(std::int32_t code_point) {
  return class_of(code_point);
}

std::size_t SentenceClasses::find_stop(std::string_view text, std::size_t from) const {
  for (std::size_t at = may_stop_.find(text, from); at < text.size();
       at = may_stop_.find(text, at)) {
    const CodePoint found = first_code_point(text.substr(at));
    if (is_stop(of(found.value))) return at;
    at += found.bytes;
  }
  return text.size();
}

}  // namespace bertha
