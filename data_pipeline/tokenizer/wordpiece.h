// Text to WordPiece ids, exactly as Transformers' fast BERT tokenizer gives them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "data_pipeline/tokenizer/tokenizer_options.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

class WordPiece {
 public:
  // `vocabulary` must outlive the tokenizer.
  WordPiece(const Vocabulary& vocabulary, const TokenizerOptions& options);
  ~WordPiece();
  WordPiece(const WordPiece&) = delete;
  WordPiece& operator=(const WordPiece&) = delete;

  // Working memory of one thread; hand the same one to many calls, to any tokenizer.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;

   private:
    friend class WordPiece;
    struct State;
    std::unique_ptr<State> state_;
  };

  // Appends the ids of `utf8`, without special tokens; "[MASK]" spelled out in a text is text, as
  // with Transformers' split_special_tokens=True (a corpus must not say what is masked).
  // Thread-safe with a scratch per thread. A word over 100 characters, or one with a piece that is
  // not in the vocabulary, is [UNK].
  void encode(std::string_view utf8, std::vector<std::int32_t>& ids, Scratch& scratch) const;

  // Also where in `utf8` each id's word begins and ends (bytes), and which word it belongs to.
  struct Piece {
    std::int32_t id;
    std::uint32_t word;        // number of the word within `utf8`
    std::uint32_t begin, end;  // bytes in `utf8` of the whole word
  };
  void encode_with_words(std::string_view utf8, std::vector<Piece>& pieces, Scratch& scratch) const;
  // The same, but begin and end are those of the piece itself; see PiecePlaces.
  void encode_with_offsets(std::string_view utf8, std::vector<Piece>& pieces,
                           Scratch& scratch) const;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const TokenizerOptions& options() const { return options_; }

 private:
  struct Model;
  const Vocabulary& vocabulary_;
  TokenizerOptions options_;
  std::unique_ptr<const Model> model_;
};

}  // namespace bertha
