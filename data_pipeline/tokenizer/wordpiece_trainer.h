// Learns a WordPiece vocabulary from word counts: byte-pair merges by frequency over characters
// with "##" continuation, as Hugging Face's BertWordPieceTokenizer.train does. Deterministic.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data_pipeline/tokenizer/piece_alphabet.h"
#include "data_pipeline/tokenizer/string_hash.h"
#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// Counts of normalised words.
class WordCounts {
 public:
  using Map = std::unordered_map<std::string, std::uint64_t, StringHash, std::equal_to<>>;

  explicit WordCounts(const TokenizerOptions& options);
  // Words over 100 characters are left out: the tokenizer makes them [UNK] whatever is learnt.
  void add_text(std::string_view utf8);
  std::vector<CountedWord> sorted() const;  // in byte order; views
  std::uint64_t total_words() const { return total_words_; }
  const Map& counts() const { return counts_; }
  std::size_t memory_bytes() const { return counts_.size() * kWordBytes + long_word_bytes_; }

 private:
  static constexpr std::size_t kWordBytes = 80;  // about, in the map

  TokenizerOptions options_;
  Map counts_;
  std::size_t long_word_bytes_ = 0;  // of words that do not fit into a std::string itself
  std::uint64_t total_words_ = 0;
};

struct VocabularyTrainerOptions {
  std::int32_t size = 30522;         // with the special tokens
  std::uint64_t min_frequency = 2;   // of a merge
  std::int32_t max_alphabet = 1000;  // most frequent characters kept
};

// [PAD] [UNK] [CLS] [SEP] [MASK] first, then the alphabet, then merges. Fewer than `size` tokens
// when the text has no more. Error{bad_data} when there are no words; Error{usage} when size cannot
// hold the special tokens. `words` are in byte order. `progress(done, total)` may be empty.
Vocabulary train_vocabulary(const std::vector<CountedWord>& words,
                            const VocabularyTrainerOptions& options,
                            const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace bertha
