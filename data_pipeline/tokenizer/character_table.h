// What BERT's normalisation does with each code point, looked up in two steps.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/tokenizer_options.h"

namespace bertha {

enum class CharacterKind : std::uint8_t {
  removed,     // as if it were not there
  break_mark,  // removed too, but marks do not change places across it
  space,       // ends a word
  word,        // belongs to a word, as it is
  replaced,    // belongs to a word, as its replacement
  reordered,   // the same; holds marks that are kept and sorted by combining class
  isolated,    // punctuation or ideograph: a word of its own; empty replacement: as it is
  not_ascii,   // of a byte, not of a code point: look the code point up
};

class CharacterTable {
 public:
  // The one table of these options, built at the first call (milliseconds). Thread-safe.
  static const CharacterTable& of(const TokenizerOptions& options);

  explicit CharacterTable(const TokenizerOptions& options);

  // Of an ASCII byte that belongs to a word: what it becomes; 0 for every other byte.
  unsigned char plain(unsigned char byte) const { return plain_[byte]; }
  CharacterKind byte_kind(unsigned char byte) const { return byte_kinds_[byte]; }

  struct Character {
    CharacterKind kind;
    std::string_view replacement;  // empty for removed, break_mark, space and word
  };
  Character look_up(std::int32_t code_point) const {
    const auto place = static_cast<std::uint32_t>(code_point);
    const std::uint32_t entry = entries_[block_starts_[place / kBlock] + place % kBlock];
    return {static_cast<CharacterKind>(entry & 0xF),
            std::string_view(replacements_.data() + (entry >> 8), (entry >> 4) & 0xF)};
  }

  // No replacement is longer than this times its code point in UTF-8.
  static constexpr std::size_t kMaxExpansion = 3;

 private:
  static constexpr std::uint32_t kBlock = 128;
  std::uint32_t make_entry(std::int32_t code_point, const TokenizerOptions& options);
  void fill_bytes();

  std::array<unsigned char, 256> plain_{};
  std::array<CharacterKind, 256> byte_kinds_{};
  std::vector<std::uint32_t> block_starts_;  // equal blocks are kept once
  std::vector<std::uint32_t> entries_;       // kind, bytes of the replacement, where it begins
  std::string replacements_;
};

}  // namespace bertha
