// Asks ICU for the property of every code point of the basic plane once.
#include "data_pipeline/text/sentence_classes.h"

#include <string>

#include <unicode/uchar.h>

#include "data_pipeline/text/byte_block.h"

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

// Bytes that some stop begins with, and a few more, as far as Unicode 15.1 goes: the constructor
// looks whether that is all.
ByteMask find_loud(ByteBlock bytes) {
  const ByteMask ascii = (bytes == '.') | (bytes == '!') | (bytes == '?') | (bytes < 0x0E);
  const ByteMask two_bytes = (bytes >= 0xC3) & (bytes <= 0xD5);    // Latin, Greek, Cyrillic
  const ByteMask three_bytes = (bytes >= 0xE4) & (bytes <= 0xE9);  // Chinese
  return ascii | ((bytes >= 0xC0) & ~(two_bytes | three_bytes));
}

}  // namespace

const SentenceClasses& SentenceClasses::table() {
  static const SentenceClasses one;
  return one;
}

SentenceClasses::SentenceClasses() : classes_(kTabled) {
  for (std::int32_t c = 0; c < static_cast<std::int32_t>(kTabled); ++c) {
    if (is_surrogate(c)) continue;  // not in UTF-8
    const SentenceClass value = class_of(c);
    classes_[static_cast<std::size_t>(c)] = value;
    if (is_stop(value)) note_first_byte(c);
  }
  for (std::size_t byte = 0; byte < 0xF0; ++byte) {
    const ByteBlock block = ByteBlock{} + static_cast<unsigned char>(byte);
    if (may_stop_[byte] != 0 && !is_any(find_loud(block))) blocks_tell_ = false;
  }
  for (std::size_t byte = 0xF0; byte < may_stop_.size(); ++byte) may_stop_[byte] = 1;
}

void SentenceClasses::note_first_byte(std::int32_t code_point) {
  std::string encoded;
  append_code_point(code_point, encoded);
  may_stop_[static_cast<unsigned char>(encoded.front())] = 1;
}

SentenceClass SentenceClasses::of_rare(std::int32_t code_point) {
  return class_of(code_point);
}

std::size_t SentenceClasses::skip_quiet(std::string_view text, std::size_t at) const {
  constexpr std::size_t kBlock = sizeof(ByteBlock);
  const auto loud = [&](std::size_t place) { return find_loud(load_block(text.data() + place)); };
  while (blocks_tell_ && text.size() - at >= 2 * kBlock) {
    if (is_any(loud(at) | loud(at + kBlock))) break;
    at += 2 * kBlock;
  }
  while (blocks_tell_ && text.size() - at >= kBlock) {
    const std::size_t quiet = first_in(loud(at));
    at += quiet;
    if (quiet < kBlock) return at;
  }
  while (at < text.size() && may_stop_[static_cast<unsigned char>(text[at])] == 0) ++at;
  return at;
}

std::size_t SentenceClasses::find_stop(std::string_view text, std::size_t from) const {
  for (std::size_t at = skip_quiet(text, from); at < text.size(); at = skip_quiet(text, at)) {
    const CodePoint found = first_code_point(text.substr(at));
    if (is_stop(of(found.value))) return at;
    at += found.bytes;
  }
  return text.size();
}

}  // namespace bertha
