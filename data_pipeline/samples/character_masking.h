// Masking by character: a chosen word is respelled in pieces of one character ("play" + "##ing"
// becomes p ##l ##a ##y ##i ##n ##g), so that its characters can be masked one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/samples/word_groups.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/philox.h"

namespace bertha {

using Positions = std::vector<std::uint32_t>;  // in a sequence

// Every token of a vocabulary as ids of its characters.
class CharacterSpelling {
 public:
  CharacterSpelling() = default;
  explicit CharacterSpelling(const Vocabulary& vocabulary);
  // Empty: a character is not in the vocabulary, or the token is special.
  std::span<const std::int32_t> of(std::int32_t id) const {
    const auto at = static_cast<std::size_t>(id);
    return std::span(characters_).subspan(begins_[at], begins_[at + 1] - begins_[at]);
  }

 private:
  std::vector<std::int32_t> characters_;  // of all tokens, end to end
  std::vector<std::uint32_t> begins_{0};  // by id, and the end
};

class CharacterMasking {
 public:
  CharacterMasking(const Vocabulary& vocabulary, const CharacterSpelling& spelling,
                   std::size_t sequence_length)
      : vocabulary_(vocabulary), spelling_(spelling), sequence_length_(sequence_length) {}

  // Respells words and returns which positions to mask: `count`, fewer where the sequence cannot
  // hold the spelling. A character is drawn from all, its word respelled, and each other character
  // of that word is masked by a coin of its own; then the next. Respelling needs room: where the
  // sequence is too long for it, tokens at the end of the longer segment go first. A word that
  // cannot be spelled keeps its pieces, which then count as its characters.
  Positions choose(std::vector<std::int32_t>& tokens, std::vector<std::int32_t>& segments,
                   std::size_t count, Philox& random) const;

 private:
  struct Word;
  struct Spelled;
  std::vector<Word> find_words(std::span<const std::int32_t> tokens) const;
  static Spelled with_characters(std::vector<Word> words);
  bool make_room(const std::vector<Word>& words, std::vector<std::int32_t>& tokens,
                 std::vector<std::int32_t>& segments, std::size_t count) const;
  void choose_characters(Spelled& spelled, std::size_t room, std::size_t count,
                         Philox& random) const;
  void append_spelling(const Word& word, std::span<const std::int32_t> tokens,
                       std::vector<std::int32_t>& out) const;

  const Vocabulary& vocabulary_;
  const CharacterSpelling& spelling_;
  std::size_t sequence_length_;
};

}  // namespace bertha
