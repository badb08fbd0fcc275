// Sequences laid end to end: a packed micro-batch. Pure.
#pragma once

#include <cstdint>
#include <span>

#include "data_pipeline/batch.h"
#include "data_pipeline/samples/packing.h"
#include "data_pipeline/samples/sequence_list.h"

namespace bertha {

// One micro-batch of the sequences at `places`, in that order, or of all of them.
// `with_next_sentence` fills Batch::next_sentence.
Batch collate(std::span<const SequenceView> sequences, const Places& places,
              bool with_next_sentence);
Batch collate(std::span<const SequenceView> sequences, bool with_next_sentence);

}  // namespace bertha
