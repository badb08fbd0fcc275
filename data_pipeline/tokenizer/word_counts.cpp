// Counts the scanner's words.
#include <algorithm>

#include "data_pipeline/tokenizer/piece_trie.h"
#include "data_pipeline/tokenizer/utf8_decoder.h"
#include "data_pipeline/tokenizer/word_scanner.h"
#include "data_pipeline/tokenizer/wordpiece_trainer.h"

namespace bertha {
namespace {

constexpr std::size_t kShortWord = 15, kAllocation = 16;  // of std::string and malloc

bool is_too_long(std::string_view word) {
  return word.size() > PieceTrie::kMaxWordCharacters &&
         count_code_points(word.data(), word.size()) > PieceTrie::kMaxWordCharacters;
}

}  // namespace

WordCounts::WordCounts(const TokenizerOptions& options) : options_(options) {}

void WordCounts::add_text(std::string_view utf8) {
  WordBuffer buffer;
  WordScanner scanner(CharacterTable::of(options_), utf8, buffer);
  while (scanner.next()) {
    const std::string_view word = scanner.word();
    if (is_too_long(word)) continue;
    ++total_words_;
    const auto found = counts_.find(word);
    if (found != counts_.end()) {
      ++found->second;
    } else {
      counts_.emplace(word, 1);
      if (word.size() > kShortWord) long_word_bytes_ += word.size() + kAllocation;
    }
  }
}

std::vector<CountedWord> WordCounts::sorted() const {
  std::vector<CountedWord> words;
  words.reserve(counts_.size());
  for (const auto& [text, count] : counts_) words.push_back({text, count});
  std::ranges::sort(words, {}, &CountedWord::text);
  return words;
}

}  // namespace bertha
