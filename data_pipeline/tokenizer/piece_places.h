// Where in a text the pieces of one of its words come from, as Hugging Face tokenizers counts it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/character_table.h"

namespace bertha {

class PiecePlaces {
 public:
  explicit PiecePlaces(const CharacterTable& table) : table_(table) {}

  // `source` is the word as it stands in the text, from its first kept character to its last one.
  void start(std::string_view source);

  // The next `bytes` of the normalised word: from the character that gave the first of them to the
  // one that gave the last (bytes of `source`). A character that became several, as a Hangul
  // syllable does, may so belong to two pieces.
  struct Place {
    std::uint32_t begin, end;
  };
  Place next(std::uint32_t bytes);

 private:
  const CharacterTable& table_;
  struct Character {
    std::uint32_t begin, end;  // in the source
    std::uint32_t given;       // normalised bytes up to the end of this character
  };
  std::vector<Character> characters_;
  std::size_t at_ = 0;
  std::uint32_t taken_ = 0;
};

}  // namespace bertha
