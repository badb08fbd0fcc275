// Unicode's Sentence_Break property of code points, by table: what ICU's sentence rules look at.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data_pipeline/text/byte_set.h"
#include "data_pipeline/text/code_points.h"

namespace bertha {

enum class SentenceClass : std::uint8_t {
  other,
  full_stop,   // ATerm: . and its kin
  terminator,  // STerm: ! ? and the full stops of scripts that use them for nothing else
  lower,
  upper,
  letter,  // OLetter
  numeric,
  close,  // quotes, brackets
  space,
  goes_on,    // SContinue: , : and dashes
  extend,     // combining marks
  format,     // invisible; both belong to what is before them
  separator,  // of paragraphs: U+0085, U+2028, U+2029
  return_,    // CR
  line_feed,
};

class SentenceClasses {
 public:
  // The one table, built at the first call (about a millisecond). Thread-safe.
  static const SentenceClasses& table();
  SentenceClasses();

  SentenceClass of(std::int32_t code_point) const {
    const auto place = static_cast<std::uint32_t>(code_point);
    return place < kTabled ? classes_[place] : of_rare(code_point);
  }
  // Where the next terminator or separator of paragraphs begins; the size where there is none.
  std::size_t find_stop(std::string_view text, std::size_t from) const;

  static bool is_terminator(SentenceClass value) {
    return value == SentenceClass::full_stop || value == SentenceClass::terminator;
  }
  static bool is_separator(SentenceClass value) { return value >= SentenceClass::separator; }
  static bool is_stop(SentenceClass value) { return is_terminator(value) || is_separator(value); }
  static bool is_mark(SentenceClass value) {
    return value == SentenceClass::extend || value == SentenceClass::format;
  }

 private:
  static constexpr std::uint32_t kTabled = 0x10000;
  static SentenceClass of_rare(std::int32_t code_point);

  std::vector<SentenceClass> classes_;
  ByteSet may_stop_;  // first bytes of code points in UTF-8
};

}  // namespace bertha
