// Chooses and replaces tokens for masked language modelling. Pure in (tokens, seed, key).
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/data_config.h"
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
  // token: single tokens; word: all pieces of a word together (never beyond the count); character:
  // the words of chosen characters are respelled in single-character pieces ("play" + "##ing"
  // becomes p ##l ##a ##y ...) as far as the vocabulary has them and the sequence stays within its
  // length, and the characters masked one by one; a CJK character is its own token already.
  // Special tokens are never chosen. 80/10/10 as in the options.
  void apply(Sequence& sequence, Philox& random) const;

 private:
  const Vocabulary& vocabulary_;
  MaskingOptions options_;
  int sequence_length_;
  std::vector<std::vector<std::int32_t>> spelling_;  // by id, for character masking: its characters
};

}  // namespace bertha
