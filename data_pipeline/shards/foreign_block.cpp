// Columns to rows.
#include "data_pipeline/shards/foreign_block.h"

#include <algorithm>
#include <utility>

namespace bertha {

ForeignBlock::ForeignBlock(ForeignRowDecoder decoder, std::uint64_t first_row,
                           ForeignColumns columns)
    : decoder_(std::move(decoder)), first_row_(first_row), columns_(std::move(columns)) {
  auto& mask = columns_.mask;
  for (std::size_t row = 0; row < mask.size(); ++row) {
    lengths_.push_back(decoder_.length_of(mask.row(row), first_row_ + row));
  }
  mask = {};  // known now; it is a third of a padded row
}

std::int64_t ForeignBlock::longest_sequence(std::size_t row) const {
  if (columns_.sequence_lengths.size() == 0) return static_cast<std::int64_t>(tokens(row));
  const auto lengths = columns_.sequence_lengths.row(row);
  return lengths.empty() ? 0 : *std::ranges::max_element(lengths);
}

void ForeignBlock::append(std::size_t row, ForeignRows& rows) const {
  const auto of = [row](const NumberRows& column) {
    return row < column.size() ? column.row(row) : std::span<const std::int32_t>();
  };
  ForeignRow numbers{first_row_ + row,
                     of(columns_.tokens),
                     of(columns_.segments),
                     of(columns_.positions),
                     of(columns_.labels),
                     of(columns_.next_sentence),
                     of(columns_.sequence_lengths),
                     of(columns_.prediction_counts)};
  if (!lengths_.empty()) {
    numbers.tokens = numbers.tokens.first(lengths_[row]);
    numbers.segments = numbers.segments.first(lengths_[row]);
  }
  decoder_.append(numbers, rows);
}

}  // namespace bertha
