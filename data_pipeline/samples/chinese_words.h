// Words of Chinese text, where WordPiece has single characters: ICU's dictionary says where they
// end, from the characters alone, so a word is the same whenever and wherever it is looked at.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data_pipeline/samples/ideograph_dictionary.h"
#include "data_pipeline/samples/word_groups.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

class ChineseWords {
 public:
  ChineseWords() = default;  // knows none
  explicit ChineseWords(const Vocabulary& vocabulary);

  // Joins what group_words made of runs of ideographs. Thread-safe.
  std::vector<WordGroup> join(std::span<const std::int32_t> tokens,
                              std::vector<WordGroup> words) const;

 private:
  std::size_t join_run(std::vector<WordGroup>& words, std::size_t begin,
                       std::span<const char32_t> run, bool is_known, std::size_t kept) const;
  char32_t character(std::span<const std::int32_t> tokens, const WordGroup& word) const {
    return word.size() == 1 ? characters_[static_cast<std::size_t>(tokens[word.begin])] : 0;
  }

  // Null: ICU's data are in another form, and it is asked itself, which takes four times as long.
  std::shared_ptr<const IdeographDictionary> dictionary_;
  static constexpr char32_t kKnown = 0x8000'0000;  // to the dictionary
  std::vector<char32_t> characters_;  // by id: its ideograph, 0 for all other tokens; empty: none
};

}  // namespace bertha
