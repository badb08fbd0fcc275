// Lays sequences end to end.
#include "data_pipeline/samples/collate.h"

#include <numeric>

namespace bertha {
namespace {

void reserve(Batch& batch, std::span<const SequenceView> sequences, const Places& places) {
  std::size_t tokens = 0, predictions = 0;
  for (const auto place : places) {
    tokens += sequences[place].tokens.size();
    predictions += sequences[place].masked_positions.size();
  }
  batch.tokens.reserve(tokens);
  batch.segments.reserve(tokens);
  batch.positions.reserve(tokens);
  batch.masked_positions.reserve(predictions);
  batch.masked_labels.reserve(predictions);
  batch.sequence_offsets.reserve(places.size() + 1);
  batch.sample_numbers.reserve(places.size());
}

void append_to(std::vector<std::int32_t>& values, std::span<const std::int32_t> more) {
  values.insert(values.end(), more.begin(), more.end());
}

void append(Batch& batch, const SequenceView& sequence) {
  const auto begin = static_cast<std::int32_t>(batch.tokens.size());
  const auto end = begin + sequence.length();
  append_to(batch.tokens, sequence.tokens);
  append_to(batch.segments, sequence.segments);
  batch.positions.resize(batch.tokens.size());
  std::iota(batch.positions.begin() + begin, batch.positions.end(), 0);
  batch.sequence_offsets.push_back(end);
  for (const auto position : sequence.masked_positions) {
    batch.masked_positions.push_back(begin + position);
  }
  append_to(batch.masked_labels, sequence.masked_labels);
  batch.sample_numbers.push_back(sequence.sample_number);
}

}  // namespace

Batch collate(std::span<const SequenceView> sequences, const Places& places,
              bool with_next_sentence) {
  Batch batch;
  reserve(batch, sequences, places);
  batch.sequence_offsets.push_back(0);
  for (const auto place : places) {
    append(batch, sequences[place]);
    if (with_next_sentence) batch.next_sentence.push_back(sequences[place].next_sentence);
  }
  return batch;
}

Batch collate(std::span<const SequenceView> sequences, bool with_next_sentence) {
  Places all(sequences.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return collate(sequences, all, with_next_sentence);
}

}  // namespace bertha
