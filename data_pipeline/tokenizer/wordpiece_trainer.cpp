// From counted words to a vocabulary: alphabet, then the most frequent pair again and again.
#include "data_pipeline/tokenizer/wordpiece_trainer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "data_pipeline/tokenizer/pair_merger.h"
#include "data_pipeline/tokenizer/piece_alphabet.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::array<const char*, 5> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                       "[MASK]"};
constexpr std::uint64_t kMergesPerReport = 256;

void check(const std::vector<CountedWord>& words, const VocabularyTrainerOptions& options) {
  if (options.size < static_cast<std::int32_t>(kSpecialTokens.size())) {
    throw Error(ErrorKind::usage,
                fmt::format("vocab.size = {} cannot hold the {} special tokens", options.size,
                            kSpecialTokens.size()),
                "30522 is BERT's size");
  }
  if (options.max_alphabet < 1) {
    throw Error(ErrorKind::usage, fmt::format("an alphabet of {} characters", options.max_alphabet),
                "at least one is needed");
  }
  if (words.empty()) {
    throw Error(ErrorKind::bad_data, "the text holds no words to learn a vocabulary from",
                "check input.paths and input.format");
  }
}

// The tokens so far; pieces of words are numbered from 0 behind the special tokens.
class GrowingVocabulary {
 public:
  explicit GrowingVocabulary(const PieceAlphabet& alphabet)
      : tokens_(kSpecialTokens.begin(), kSpecialTokens.end()) {
    for (const std::string& piece : alphabet.pieces()) number_of(piece);
  }

  // Of the two pieces as one; another pair may have led to the same piece before.
  std::uint32_t number_of_merged(const PairMerger::Pair& pair) {
    constexpr std::size_t kPrefix = 2;  // "##": the right piece continues a word
    return number_of(piece(pair.left) + piece(pair.right).substr(kPrefix));
  }

  std::size_t size() const { return tokens_.size(); }
  std::vector<std::string> take() { return std::move(tokens_); }

 private:
  const std::string& piece(std::uint32_t number) const {
    return tokens_[kSpecialTokens.size() + number];
  }
  std::uint32_t number_of(const std::string& text) {
    const auto next = static_cast<std::uint32_t>(tokens_.size() - kSpecialTokens.size());
    const auto [place, is_new] = numbers_.try_emplace(text, next);
    if (is_new) tokens_.push_back(text);
    return place->second;
  }

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

// Words with a character outside the alphabet teach nothing: the tokenizer makes them [UNK].
PairMerger split_words(const std::vector<CountedWord>& words, const PieceAlphabet& alphabet) {
  PairMerger merger;
  std::vector<std::uint32_t> pieces;
  for (const CountedWord& word : words) {
    pieces.clear();
    if (alphabet.split(word.text, pieces) && pieces.size() > 1) merger.add_word(pieces, word.count);
  }
  return merger;
}

}  // namespace

Vocabulary train_vocabulary(const std::vector<CountedWord>& words,
                            const VocabularyTrainerOptions& options,
                            const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  check(words, options);
  const auto size = static_cast<std::size_t>(options.size);
  const PieceAlphabet alphabet(words, static_cast<std::size_t>(options.max_alphabet),
                               size - kSpecialTokens.size());
  GrowingVocabulary vocabulary(alphabet);
  PairMerger merger = split_words(words, alphabet);
  for (std::uint64_t merges = 0; vocabulary.size() < size; ++merges) {
    const auto pair = merger.take_most_frequent(options.min_frequency);
    if (!pair) break;
    merger.merge(*pair, vocabulary.number_of_merged(*pair));
    if (progress && merges % kMergesPerReport == 0) progress(vocabulary.size(), size);
  }
  if (progress) progress(vocabulary.size(), size);
  return Vocabulary(vocabulary.take(), "the new vocabulary");
}

}  // namespace bertha
