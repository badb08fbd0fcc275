// A table of Unicode's Sentence_Break property and the rules SB3 to SB998, by their names there.
#include "data_pipeline/text/sentence_boundaries.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <unicode/uchar.h>

#include "data_pipeline/text/code_points.h"

namespace bertha {
namespace {

using Class = std::uint8_t;  // a USentenceBreak; kEnd behind the text

constexpr Class kEnd = U_SB_COUNT;
constexpr std::int32_t kTableSize = 0x10000;  // the basic plane

Class property_of(std::int32_t c) {
  return static_cast<Class>(u_getIntPropertyValue(c, UCHAR_SENTENCE_BREAK));
}

bool is_separator(Class c) {
  return c == U_SB_SEP || c == U_SB_CR || c == U_SB_LF;
}

bool is_terminator(Class c) {
  return c == U_SB_STERM || c == U_SB_ATERM;
}

struct Tables {
  std::vector<Class> classes;  // of the basic plane
  // By byte: whether a code point that begins with it may be a separator or a terminator.
  std::array<bool, 256> stops{};

  Tables() : classes(kTableSize) {
    for (std::int32_t c = 0; c < kTableSize; ++c) {
      const auto found = classes[static_cast<std::size_t>(c)] = property_of(c);
      if (!is_separator(found) && !is_terminator(found)) continue;
      std::string text;
      append_code_point(c, text);
      stops[static_cast<unsigned char>(text.front())] = true;
    }
    for (std::size_t byte = 0xF0; byte < stops.size(); ++byte) stops[byte] = true;  // other planes
  }
};

const Tables& tables() {
  static const Tables made;
  return made;
}

Class class_of(std::int32_t c) {
  if (c < 0) return U_SB_OTHER;
  return c < kTableSize ? tables().classes[static_cast<std::size_t>(c)] : property_of(c);
}

bool is_letter(Class c) {
  return c == U_SB_OLETTER || c == U_SB_UPPER || c == U_SB_LOWER;
}

// SB5: what belongs to the code point before it.
bool is_attached(Class c) {
  return c == U_SB_EXTEND || c == U_SB_FORMAT;
}

// A place in the text and the class of the code point there.
class Cursor {
 public:
  Cursor(std::string_view text, std::size_t at) : text_(text), at_(at) { look(); }

  std::size_t at() const { return at_; }
  Class here() const { return here_; }
  void step() {
    at_ += bytes_;
    look();
  }
  // To the next code point that is attached to none.
  void step_over() {
    step();
    while (is_attached(here_)) step();
  }
  // Of the code point before, or of the one that it is attached to.
  Class before() const {
    auto end = at_;
    while (end > 0) {
      const auto c = last_code_point(text_.substr(0, end));
      const auto found = class_of(c.value);
      if (!is_attached(found)) return found;
      end -= c.bytes;
    }
    return kEnd;
  }

 private:
  void look() {
    if (at_ >= text_.size()) {
      here_ = kEnd;
      bytes_ = 0;
      return;
    }
    const auto c = first_code_point(text_.substr(at_));
    here_ = class_of(c.value);
    bytes_ = c.bytes;
  }

  std::string_view text_;
  std::size_t at_, bytes_ = 0;
  Class here_ = kEnd;
};

// SB8: a small letter comes before any other letter, separator or terminator.
bool goes_on_in_lower_case(Cursor cursor) {
  while (cursor.here() != kEnd && !is_letter(cursor.here()) && !is_separator(cursor.here()) &&
         !is_terminator(cursor.here())) {
    cursor.step();
  }
  return cursor.here() == U_SB_LOWER;
}

// SB3 and SB4: behind a separator.
void step_over_separator(Cursor& cursor) {
  const bool carriage_return = cursor.here() == U_SB_CR;
  cursor.step();
  if (carriage_return && cursor.here() == U_SB_LF) cursor.step();
}

// From a terminator to the place behind it and what belongs to it. Whether that is a boundary.
bool step_over_terminator(Cursor& cursor) {
  const bool full_stop = cursor.here() == U_SB_ATERM;
  const auto before = full_stop ? cursor.before() : kEnd;
  cursor.step_over();
  if (full_stop) {
    if (cursor.here() == U_SB_NUMERIC) return false;  // SB6
    if (cursor.here() == U_SB_UPPER && (before == U_SB_UPPER || before == U_SB_LOWER)) {
      return false;  // SB7
    }
  }
  while (cursor.here() == U_SB_CLOSE) cursor.step_over();  // SB9
  while (cursor.here() == U_SB_SP) cursor.step_over();     // SB10
  if (full_stop && goes_on_in_lower_case(cursor)) return false;
  if (cursor.here() == U_SB_SCONTINUE || is_terminator(cursor.here())) return false;  // SB8a
  if (is_separator(cursor.here())) step_over_separator(cursor);
  return true;  // SB11
}

}  // namespace

std::size_t next_sentence_boundary(std::string_view text, std::size_t begin) {
  const auto& stops = tables().stops;
  for (auto at = begin; at < text.size();) {
    if (!stops[static_cast<unsigned char>(text[at])]) {
      ++at;  // SB998
      continue;
    }
    Cursor cursor(text, at);
    if (is_separator(cursor.here())) {
      step_over_separator(cursor);
      return cursor.at();
    }
    if (!is_terminator(cursor.here())) {
      cursor.step();
    } else if (step_over_terminator(cursor)) {
      return cursor.at();
    }
    at = cursor.at();
  }
  return text.size();
}

}  // namespace bertha
