// Lays sequences end to end.
#include "data_pipeline/samples/collate.h"

#include <numeric>

namespace bertha {
namespace {

void reserve(Batch& batch, std::span<const LabelledSequence> sequences, const Places& places) {
  std::size_t tokens = 0, predictions = 0;
  for (const auto place : places) {
    tokens += sequences[place].sequence.tokens.size();
    predictions += sequences[place].sequence.masked_positions.size();
  }
  batch.tokens.reserve(tokens);
  batch.segments.reserve(tokens);
  batch.positions.reserve(tokens);
  batch.masked_positions.reserve(predictions);
  batch.masked_labels.reserve(predictions);
  batch.sequence_offsets.reserve(places.size() + 1);
  batch.sample_numbers.reserve(places.size());
}

void append(Batch& batch, const LabelledSequence& labelled) {
  const auto& sequence = labelled.sequence;
  const auto begin = static_cast<std::int32_t>(batch.tokens.size());
  const auto end = begin + static_cast<std::int32_t>(sequence.tokens.size());
  batch.tokens.insert(batch.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
  batch.segments.insert(batch.segments.end(), sequence.segments.begin(), sequence.segments.end());
  batch.positions.resize(batch.tokens.size());
  std::iota(batch.positions.begin() + begin, batch.positions.end(), 0);
  batch.sequence_offsets.push_back(end);
  for (const auto position : sequence.masked_positions) {
    batch.masked_positions.push_back(begin + position);
  }
  batch.masked_labels.insert(batch.masked_labels.end(), sequence.masked_labels.begin(),
                             sequence.masked_labels.end());
  batch.sample_numbers.push_back(labelled.sample_number);
}

}  // namespace

Batch collate(std::span<const LabelledSequence> sequences, const Places& places,
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

Batch collate(std::span<const LabelledSequence> sequences, bool with_next_sentence) {
  Places all(sequences.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return collate(sequences, all, with_next_sentence);
}

std::vector<Batch> packed_batches(std::span<const LabelledSequence> sequences,
                                  std::int64_t token_budget, bool with_next_sentence) {
  std::vector<int> lengths;
  lengths.reserve(sequences.size());
  for (const auto& labelled : sequences) {
    lengths.push_back(static_cast<int>(labelled.sequence.tokens.size()));
  }
  std::vector<Batch> batches;
  for (const auto& places : pack(lengths, token_budget)) {
    batches.push_back(collate(sequences, places, with_next_sentence));
  }
  return batches;
}

}  // namespace bertha
