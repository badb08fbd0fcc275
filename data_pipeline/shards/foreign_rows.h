// Makes sequences of the numbers in a foreign shard's datasets, row by row, and checks each.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

enum class ForeignLayout { padded, variable, packed };

// Some rows without their padding: sequences end to end.
struct ForeignRows {
  std::vector<std::size_t> row_offsets{0};  // [rows + 1], into sequences
  // Of each sequence.
  std::vector<std::size_t> token_offsets{0};       // [sequences + 1]
  std::vector<std::size_t> prediction_offsets{0};  // [sequences + 1]
  std::vector<std::int32_t> next_sentence;         // [sequences], 0 or 1: B is random
  // Of all.
  std::vector<std::int32_t> tokens;            // masked already
  std::vector<std::int32_t> segments;          // 0 or 1
  std::vector<std::int32_t> masked_positions;  // within the sequence, ascending
  std::vector<std::int32_t> masked_labels;

  std::size_t rows() const { return row_offsets.size() - 1; }
  std::size_t sequences() const { return next_sentence.size(); }
  void clear();  // keeps its memory
};

// The numbers of one row, of tokens and segments those that are real. Lists that a layout lacks are
// empty.
struct ForeignRow {
  std::uint64_t number = 0;  // in the file
  std::span<const std::int32_t> tokens, segments, positions, labels, next_sentence;
  std::span<const std::int32_t> sequence_lengths, prediction_counts;  // packed
};

class ForeignRowDecoder {
 public:
  // `path` stands in errors. The vocabulary outlives the decoder; without one (null) ids need only
  // be positive.
  ForeignRowDecoder(ForeignLayout layout, std::string path, const Vocabulary* vocabulary)
      : layout_(layout), path_(std::move(path)), vocabulary_(vocabulary) {}

  // How many tokens of a row are real. Error{bad_data}: the mask is not ones and then zeros.
  std::uint32_t length_of(std::span<const std::int32_t> mask, std::uint64_t row) const;
  // Error{bad_data} names dataset, row and value.
  void append(const ForeignRow& row, ForeignRows& rows) const;

 private:
  struct Sequence;
  ForeignRow without_free_room(const ForeignRow& row) const;
  void append_pack(const ForeignRow& row, ForeignRows& rows) const;
  void append_sequence(const Sequence& sequence, ForeignRows& rows) const;
  std::int32_t vocabulary_size() const { return vocabulary_ ? vocabulary_->size() : INT32_MAX; }
  void check_tokens(const Sequence& sequence) const;
  void check_ends(const Sequence& sequence) const;
  void check_predictions(const Sequence& sequence) const;
  [[noreturn]] void fail(const char* dataset, std::uint64_t row, const std::string& what) const;

  ForeignLayout layout_;
  std::string path_;
  const Vocabulary* vocabulary_;
};

}  // namespace bertha
