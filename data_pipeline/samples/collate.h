// Sequences laid end to end: a packed micro-batch. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/batch.h"
#include "data_pipeline/samples/masking.h"
#include "data_pipeline/samples/packing.h"

namespace bertha {

struct LabelledSequence {
  Sequence sequence;
  std::int32_t next_sentence = 0;
  std::uint64_t sample_number = 0;
};

// One micro-batch of the sequences at `places`, in that order, or of all of them.
// `with_next_sentence` fills Batch::next_sentence.
Batch collate(std::span<const LabelledSequence> sequences, const Places& places,
              bool with_next_sentence);
Batch collate(std::span<const LabelledSequence> sequences, bool with_next_sentence);

// Micro-batches under a token budget, see pack().
std::vector<Batch> packed_batches(std::span<const LabelledSequence> sequences,
                                  std::int64_t token_budget, bool with_next_sentence);

}  // namespace bertha
