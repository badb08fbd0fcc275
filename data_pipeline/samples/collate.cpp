// Lays sequences end to end.
#include "data_pipeline/samples/collate.h"

namespace bertha {
namespace {

void append(Batch& batch, const LabelledSequence& labelled, bool with_next_sentence) {
  const auto& sequence = labelled.sequence;
  const auto begin = static_cast<std::int32_t>(batch.tokens.size());
  const auto length = static_cast<std::int32_t>(sequence.tokens.size());
  batch.tokens.insert(batch.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
  batch.segments.insert(batch.segments.end(), sequence.segments.begin(), sequence.segments.end());
  for (std::int32_t i = 0; i < length; ++i) batch.positions.push_back(i);
  batch.sequence_offsets.push_back(begin + length);
  for (const auto position : sequence.masked_positions) {
    batch.masked_positions.push_back(begin + position);
  }
  batch.masked_labels.insert(batch.masked_labels.end(), sequence.masked_labels.begin(),
                             sequence.masked_labels.end());
  if (with_next_sentence) batch.next_sentence.push_back(labelled.next_sentence);
  batch.sample_numbers.push_back(labelled.sample_number);
}

}  // namespace

std::vector<Batch> collate(std::span<const LabelledSequence> sequences, std::int64_t token_budget,
                           bool with_next_sentence) {
  std::vector<Batch> batches;
  for (const auto& labelled : sequences) {
    const auto length = static_cast<std::int64_t>(labelled.sequence.tokens.size());
    if (batches.empty() || batches.back().token_count() + length > token_budget) {
      batches.emplace_back().sequence_offsets.push_back(0);
    }
    append(batches.back(), labelled, with_next_sentence);
  }
  return batches;
}

}  // namespace bertha
