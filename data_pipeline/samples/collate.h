// Sequences to packed micro-batches under a token budget. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/batch.h"
#include "data_pipeline/samples/masking.h"

namespace bertha {

struct LabelledSequence {
  Sequence sequence;
  std::int32_t next_sentence = 0;
  std::uint64_t sample_number = 0;
};

// In order; a micro-batch is closed when the next sequence would exceed `token_budget` (a single
// sequence may). `with_next_sentence` fills Batch::next_sentence.
std::vector<Batch> collate(std::span<const LabelledSequence> sequences, std::int64_t token_budget,
                           bool with_next_sentence);

}  // namespace bertha
