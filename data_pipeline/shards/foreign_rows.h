// Makes sequences of the numbers in a foreign shard's datasets, row by row, and checks each.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data_pipeline/shards/foreign_shard.h"

namespace bertha {

// The numbers of one row. Lists that a layout lacks are empty.
struct ForeignRow {
  std::uint64_t number = 0;  // in the file
  std::span<const std::int32_t> tokens, mask, segments, positions, labels, next_sentence;
  std::span<const std::int32_t> sequence_lengths, prediction_counts;  // packed
};

class ForeignRowDecoder {
 public:
  // `path` stands in errors. The vocabulary outlives the decoder; without one (null) ids need only
  // be positive.
  ForeignRowDecoder(ForeignLayout layout, std::string path, const Vocabulary* vocabulary)
      : layout_(layout), path_(std::move(path)), vocabulary_(vocabulary) {}

  // Error{bad_data} names dataset, row and value.
  void append(const ForeignRow& row, ForeignRows& rows) const;

 private:
  struct Sequence;
  ForeignRow without_padding(const ForeignRow& row) const;
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
