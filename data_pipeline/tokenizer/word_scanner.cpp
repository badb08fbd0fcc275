// The way of text that is not ASCII through the scanner.
#include "data_pipeline/tokenizer/word_scanner.h"

#include <algorithm>
#include <limits>
#include <string>

#include "data_pipeline/tokenizer/hugging_face_unicode.h"
#include "data_pipeline/tokenizer/utf8_decoder.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::int32_t kReplacementCharacter = 0xFFFD;  // what invalid bytes count as

unsigned char* put(std::string_view bytes, unsigned char* out) {
  for (const char byte : bytes) *out++ = static_cast<unsigned char>(byte);
  return out;
}

}  // namespace

WordScanner::WordScanner(const CharacterTable& table, std::string_view utf8, WordBuffer& buffer)
    : table_(table),
      text_(reinterpret_cast<const unsigned char*>(utf8.data())),
      at_(text_),
      end_(text_ + utf8.size()) {
  if (utf8.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::bad_data,
                "a text of " + std::to_string(utf8.size()) + " bytes is too long to split",
                "give it in pieces below 4 GiB");
  }
  buffer_ = buffer.reserve(utf8.size() * CharacterTable::kMaxExpansion);
}

bool WordScanner::next_from_any() {
  while (at_ < end_) {
    const DecodedCodePoint found = decode_code_point(at_, end_);
    const auto character = table_.look_up(found.value < 0 ? kReplacementCharacter : found.value);
    switch (character.kind) {
      case CharacterKind::space:
      case CharacterKind::removed:
      case CharacterKind::break_mark:
        at_ += found.bytes;
        continue;
      case CharacterKind::isolated: {
        word_begin_ = at_;
        at_ += found.bytes;
        word_end_ = at_;
        if (!character.replacement.empty()) return finish(put(character.replacement, buffer_));
        return finish(std::copy(word_begin_, word_end_, buffer_));
      }
      default:
        word_begin_ = at_;
        return scan_rest(buffer_);
    }
  }
  return false;
}

bool WordScanner::scan_rest(unsigned char* out) {
  while (at_ < end_) {
    const unsigned char plain = table_.plain(*at_);
    if (plain != 0) {
      settle_marks(out);
      *out++ = plain;
      word_end_ = ++at_;
      continue;
    }
    const DecodedCodePoint found = decode_code_point(at_, end_);
    const auto character = table_.look_up(found.value < 0 ? kReplacementCharacter : found.value);
    switch (character.kind) {
      case CharacterKind::removed:
        at_ += found.bytes;
        continue;
      case CharacterKind::break_mark:
        settle_marks(out);
        at_ += found.bytes;
        continue;
      case CharacterKind::word:
        settle_marks(out);
        for (std::uint32_t i = 0; i < found.bytes; ++i) *out++ = at_[i];
        break;
      case CharacterKind::replaced:
        settle_marks(out);
        out = put(character.replacement, out);
        break;
      case CharacterKind::reordered:
        out = put_reordered(character.replacement, out);
        break;
      default:
        settle_marks(out);
        return finish(out);
    }
    at_ += found.bytes;
    word_end_ = at_;
  }
  settle_marks(out);
  return finish(out);
}

unsigned char* WordScanner::put_reordered(std::string_view replacement, unsigned char* out) {
  const auto* at = reinterpret_cast<const unsigned char*>(replacement.data());
  const auto* const end = at + replacement.size();
  while (at < end) {
    const DecodedCodePoint part = decode_code_point(at, end);
    if (hugging_face::combining_class(part.value) == 0) {
      settle_marks(out);
    } else if (marks_ == nullptr) {
      marks_ = out;
    }
    out = std::copy(at, at + part.bytes, out);
    at += part.bytes;
  }
  return out;
}

// Canonical ordering: by combining class, equal classes as they came.
void WordScanner::sort_marks(unsigned char* out) {
  struct Mark {
    int combining_class;
    std::int32_t value;
  };
  std::vector<Mark> marks;
  for (const unsigned char* at = marks_; at < out;) {
    const DecodedCodePoint part = decode_code_point(at, out);
    marks.push_back({hugging_face::combining_class(part.value), part.value});
    at += part.bytes;
  }
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& left, const Mark& right) {
    return left.combining_class < right.combining_class;
  });
  std::string sorted;
  for (const Mark& mark : marks) append_utf8(mark.value, sorted);
  put(sorted, marks_);
  marks_ = nullptr;
}

}  // namespace bertha
