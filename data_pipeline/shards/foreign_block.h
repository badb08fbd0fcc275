// Rows of a foreign shard as they were read: inflated, in 32 bits, their padding known; each is cut
// and checked when it is wanted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data_pipeline/shards/foreign_rows.h"
#include "data_pipeline/shards/number_rows.h"

namespace bertha {

// By dataset (foreign_schema.h). Those that a layout lacks are empty.
struct ForeignColumns {
  NumberRows tokens, mask, segments, positions, labels, next_sentence, sequence_lengths,
      prediction_counts;
};

class ForeignBlock {
 public:
  // `first_row` of the file. Error{bad_data}: a mask that is not ones and then zeros.
  ForeignBlock(ForeignRowDecoder decoder, std::uint64_t first_row, ForeignColumns columns);

  std::uint64_t first_row() const { return first_row_; }
  std::size_t rows() const { return columns_.tokens.size(); }
  // Without padding. Not checked yet, like all but the mask.
  std::size_t tokens(std::size_t row) const {
    return lengths_.empty() ? columns_.tokens.row(row).size() : lengths_[row];
  }
  std::int64_t longest_sequence(std::size_t row) const;
  // Appends the row, checked: ForeignRowDecoder says how. Thread-safe.
  void append(std::size_t row, ForeignRows& rows) const;

 private:
  ForeignRowDecoder decoder_;
  std::uint64_t first_row_;
  ForeignColumns columns_;
  std::vector<std::uint32_t> lengths_;  // of padded rows
};

}  // namespace bertha
