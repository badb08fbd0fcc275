// Words of Chinese text, where WordPiece has single characters: ICU's dictionary says where they
// end, from the characters alone, so a word is the same whenever and wherever it is looked at.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/samples/word_groups.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// Of a token: whether it goes on with the word of the one before it, as found beforehand for whole
// runs of ideographs. Unknown: it stands at an end of a text that is not the end of its run.
inline constexpr std::uint8_t kBeginsWord = 0, kContinuesWord = 1, kUnknownWord = 2;

class ChineseWords {
 public:
  ChineseWords() = default;  // knows none
  explicit ChineseWords(const Vocabulary& vocabulary);

  // Joins what group_words made of runs of ideographs. Thread-safe. `marks`, if any, of the tokens:
  // they say what would be found, and save the time.
  std::vector<WordGroup> join(std::span<const std::int32_t> tokens, std::vector<WordGroup> words,
                              std::span<const std::uint8_t> marks = {}) const;

  // Longer runs have no marks: no sequence holds them as a whole.
  static constexpr std::size_t kLongestMarked = 1024;
  // Appends the marks of a run.
  static void mark(std::span<const char32_t> run, std::vector<std::uint8_t>& marks);
  // The ideograph that a token is; 0: none.
  char32_t character(std::int32_t id) const {
    return characters_.empty() ? 0 : characters_[static_cast<std::size_t>(id)];
  }

 private:
  char32_t character(std::span<const std::int32_t> tokens, const WordGroup& word) const {
    return word.size() == 1 ? characters_[static_cast<std::size_t>(tokens[word.begin])] : 0;
  }

  std::vector<char32_t> characters_;  // by id: its ideograph, 0 for all other tokens; empty: none
};

}  // namespace bertha
