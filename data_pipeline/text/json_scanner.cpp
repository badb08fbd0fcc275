// Recursive descent, to a depth that no record needs.
#include "data_pipeline/text/json_scanner.h"

#include <cstdint>

#include "data_pipeline/text/byte_set.h"
#include "data_pipeline/text/code_points.h"

namespace bertha {
namespace {

constexpr std::size_t kMostDigits = 15;  // more may not fit, and that is an error

// What ends a run of plain characters in a string.
constexpr ByteSet kSpecial([](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });

}  // namespace

void JsonScanner::skip_space() {
  while (at_ < line_.size() && std::string_view(" \t\r\n").find(line_[at_]) != line_.npos) ++at_;
}

bool JsonScanner::take(char wanted) {
  skip_space();
  if (at_ == line_.size() || line_[at_] != wanted) return false;
  ++at_;
  return true;
}

bool JsonScanner::find_text(std::string_view field, std::string& text) {
  bool found = false;
  if (!take('{') || !members(field, &text, found, 0)) return false;
  skip_space();
  return found && at_ == line_.size();
}

// Of an object, to its end. With `text`, the last string called `field` is taken out.
bool JsonScanner::members(std::string_view field, std::string* text, bool& found, int depth) {
  if (take('}')) return true;
  std::string name;
  do {
    name.clear();
    if (!take('"') || !string(text ? &name : nullptr) || !take(':')) return false;
    skip_space();
    if (text && name == field) {
      text->clear();
      text->reserve(line_.size() - at_);
      found = at_ < line_.size() && line_[at_] == '"';
      if (!found) return false;  // the full parser finds the words for it
      ++at_;
      if (!string(text)) return false;
    } else if (!skip_value(depth)) {
      return false;
    }
  } while (take(','));
  return take('}');
}

bool JsonScanner::skip_value(int depth) {
  if (at_ == line_.size() || depth == kDeepest) return false;
  switch (line_[at_]) {
    case '"':
      ++at_;
      return string(nullptr);
    case '{': {
      ++at_;
      bool ignored = false;
      return members({}, nullptr, ignored, depth + 1);
    }
    case '[':
      ++at_;
      return skip_elements(depth + 1);
    default:
      for (const std::string_view word : {"true", "false", "null"}) {
        if (!line_.substr(at_).starts_with(word)) continue;
        at_ += word.size();
        return true;
      }
      return skip_number();
  }
}

bool JsonScanner::skip_elements(int depth) {
  if (take(']')) return true;
  do {
    skip_space();
    if (!skip_value(depth)) return false;
  } while (take(','));
  return take(']');
}

bool JsonScanner::skip_digits() {
  const std::size_t begin = at_;
  while (at_ < line_.size() && line_[at_] >= '0' && line_[at_] <= '9') ++at_;
  return at_ > begin && at_ - begin <= kMostDigits;
}

bool JsonScanner::skip_number() {
  if (line_[at_] == '-') ++at_;
  const std::size_t begin = at_;
  if (!skip_digits() || (line_[begin] == '0' && at_ - begin > 1)) return false;
  if (at_ < line_.size() && line_[at_] == '.') {
    ++at_;
    if (!skip_digits()) return false;
  }
  return at_ == line_.size() || (line_[at_] | 0x20) != 'e';
}

bool JsonScanner::string(std::string* to) {
  for (;;) {
    const std::size_t end = kSpecial.find(line_, at_);
    if (to) to->append(line_.substr(at_, end - at_));
    at_ = end + 1;
    if (end == line_.size()) return false;
    if (line_[end] == '"') return true;
    if (line_[end] != '\\' || !escape(to)) return false;
  }
}

bool JsonScanner::escape(std::string* to) {
  constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  if (at_ == line_.size()) return false;
  const char name = line_[at_++];
  if (const auto place = kNames.find(name); place != kNames.npos) {
    if (to) *to += kMeant[place];
    return true;
  }
  std::uint32_t value = 0;
  if (name != 'u' || !unit(value)) return false;
  if (value >= 0xD800 && value <= 0xDFFF) {
    std::uint32_t low = 0;
    if (value >= 0xDC00 || !line_.substr(at_).starts_with("\\u")) return false;
    at_ += 2;
    if (!unit(low) || low < 0xDC00 || low > 0xDFFF) return false;
    value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
  }
  if (to) append_code_point(static_cast<std::int32_t>(value), *to);
  return true;
}

// Four hexadecimal digits.
bool JsonScanner::unit(std::uint32_t& value) {
  if (line_.size() - at_ < 4) return false;
  for (const char c : line_.substr(at_, 4)) {
    const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c | 0x20));
    if (c < '0' || digit == std::string_view::npos) return false;
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  at_ += 4;
  return true;
}

}  // namespace bertha
