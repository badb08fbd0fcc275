// Walks over text and gives its normalised words one after the other: the loop that both the
// tokenizer and the vocabulary trainer run. ASCII is handled here, the rest in word_scanner.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/character_table.h"

namespace bertha {

// The memory of a scanner, kept from text to text.
class WordBuffer {
 public:
  // Room for `bytes`; what it held is lost.
  unsigned char* reserve(std::size_t bytes) {
    if (bytes > bytes_.size()) bytes_.resize(bytes + bytes / 4);
    return bytes_.data();
  }

 private:
  std::vector<unsigned char> bytes_;
};

class WordScanner {
 public:
  // All must outlive the scanner. Error{bad_data} for text of 4 GiB or more.
  WordScanner(const CharacterTable& table, std::string_view utf8, WordBuffer& buffer);

  // Goes to the next word; false at the end.
  bool next() {
    for (; at_ < end_; ++at_) {
      switch (table_.byte_kind(*at_)) {
        case CharacterKind::space:
        case CharacterKind::removed:
          continue;
        case CharacterKind::isolated:
          return finish_ascii_symbol();
        case CharacterKind::not_ascii:
          return next_from_any();
        default:
          return scan_ascii();
      }
    }
    return false;
  }

  // Until the following call of next().
  std::string_view word() const { return {reinterpret_cast<const char*>(buffer_), word_bytes_}; }
  // Where in the text the word's first character begins and its last one ends (bytes).
  std::uint32_t begin() const { return static_cast<std::uint32_t>(word_begin_ - text_); }
  std::uint32_t end() const { return static_cast<std::uint32_t>(word_end_ - text_); }

 private:
  bool scan_ascii() {
    unsigned char* out = buffer_;
    word_begin_ = at_;
    unsigned char plain = table_.plain(*at_);
    do {
      *out++ = plain;
    } while (++at_ < end_ && (plain = table_.plain(*at_)) != 0);
    word_end_ = at_;
    if (at_ < end_ && may_go_on_after(*at_)) return scan_rest(out);
    return finish(out);
  }
  bool may_go_on_after(unsigned char byte) const {
    const CharacterKind kind = table_.byte_kind(byte);
    return kind == CharacterKind::not_ascii || kind == CharacterKind::removed;
  }
  bool finish_ascii_symbol() {
    word_begin_ = at_;
    buffer_[0] = *at_++;
    word_end_ = at_;
    return finish(buffer_ + 1);
  }
  bool finish(unsigned char* out) {
    word_bytes_ = static_cast<std::size_t>(out - buffer_);
    return true;
  }
  bool next_from_any();                // the next word, whatever comes
  bool scan_rest(unsigned char* out);  // of a word that has begun
  unsigned char* put_reordered(std::string_view replacement, unsigned char* out);
  void settle_marks(unsigned char* out) {
    if (marks_ != nullptr) sort_marks(out);
  }
  void sort_marks(unsigned char* out);

  const CharacterTable& table_;
  const unsigned char* text_;
  const unsigned char* at_;
  const unsigned char* end_;
  unsigned char* buffer_;
  std::size_t word_bytes_ = 0;
  const unsigned char* word_begin_ = nullptr;
  const unsigned char* word_end_ = nullptr;
  unsigned char* marks_ = nullptr;  // in the buffer: marks from here on are not sorted yet
};

}  // namespace bertha
