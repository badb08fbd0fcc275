// A packed micro-batch: sequences end to end, no padding. A value; fields a task lacks are empty.
#pragma once

#include <cstdint>
#include <vector>

namespace bertha {

struct Batch {
  // T tokens of B sequences; [CLS] begins each sequence.
  std::vector<std::int32_t> tokens;            // [T], after masking
  std::vector<std::int32_t> segments;          // [T], 0 or 1
  std::vector<std::int32_t> positions;         // [T], from 0 in each sequence
  std::vector<std::int32_t> sequence_offsets;  // [B + 1], cumulative, first 0, last T
  // Pretraining.
  std::vector<std::int32_t> masked_positions;  // [M], ascending indices into tokens
  std::vector<std::int32_t> masked_labels;     // [M], the original ids
  std::vector<std::int32_t> next_sentence;  // [B], 0: B follows A, 1: B is random (as Transformers)
  // Fine-tuning: what EncodedExample holds, example after example.
  std::vector<std::int32_t> labels;  // [B] class | [T] class, -1: none | [2 B] start and end
  std::vector<float> values;         // [B] number | [B * outputs] 0 or 1
  // Which samples these are: number in the epoch or row of the file; keys dropout, names errors.
  std::vector<std::uint64_t> sample_numbers;  // [B]

  std::int64_t token_count() const { return static_cast<std::int64_t>(tokens.size()); }
  std::int64_t sequence_count() const {
    return sequence_offsets.empty() ? 0 : static_cast<std::int64_t>(sequence_offsets.size()) - 1;
  }
  bool operator==(const Batch&) const = default;
};

}  // namespace bertha
