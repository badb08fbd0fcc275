// Chooses and replaces tokens for masked language modelling. Pure in (tokens, seed, key).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/character_masking.h"
#include "data_pipeline/samples/chinese_words.h"
#include "data_pipeline/samples/word_groups.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/philox.h"

namespace bertha {

// A sequence with its special tokens.
struct Sequence {
  std::vector<std::int32_t> tokens;            // [L]
  std::vector<std::int32_t> segments;          // [L]
  std::vector<std::int32_t> masked_positions;  // ascending, within the sequence
  std::vector<std::int32_t> masked_labels;
};

// Tables that masking needs of a vocabulary, made once.
class Masker {
 public:
  // `vocabulary` must outlive the masker.
  Masker(const Vocabulary& vocabulary, const MaskingOptions& options, int sequence_length);

  // round(probability * tokens), at least one where a token may be chosen, at most max_predictions.
  // token: single tokens. word: all pieces of a word together (of Chinese, ICU's words), never
  // beyond the count; where no
  // word is that short, the shortest one (within max_predictions). character: single characters of
  // words respelled in character pieces, see character_masking.h; a CJK character is a token
  // already. span: runs of whole words, see span_masking.h; a span has one fate. Special tokens are
  // never chosen. 80/10/10 as in the options. Ids must be in range.
  // `marks`, if any, of the tokens: see chinese_words.h. They change nothing but time.
  using WordMarks = std::span<const std::uint8_t>;
  void apply(Sequence& sequence, Philox& random, WordMarks marks = {}) const;
  // Whether a run of ideographs in a text that begins or ends between these two tokens may be
  // another one than in the whole document.
  bool may_cut_run(std::int32_t before, std::int32_t behind) const;
  bool wants_words() const {
    return options_.strategy == MaskingStrategy::word || options_.strategy == MaskingStrategy::span;
  }

 private:
  std::vector<WordGroup> words_of(const Sequence& sequence, WordMarks marks) const;
  std::size_t predictions_in(const Sequence& sequence) const;
  Positions choose_tokens(const Sequence& sequence, std::size_t count, Philox& random) const;
  Positions choose_words(const Sequence& sequence, std::size_t count, Philox& random,
                         WordMarks marks) const;
  std::optional<WordGroup> shortest_word(std::span<const WordGroup> words) const;
  void predict_spans(Sequence& sequence, std::size_t count, Philox& random, WordMarks marks) const;
  void predict(Sequence& sequence, std::size_t position, double fate, Philox& random) const;

  const Vocabulary& vocabulary_;
  MaskingOptions options_;
  int sequence_length_;
  CharacterSpelling spelling_;  // empty but for character masking
  ChineseWords chinese_;        // for whole words and spans
};

}  // namespace bertha
