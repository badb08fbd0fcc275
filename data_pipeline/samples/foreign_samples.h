// The samples of foreign shards: ready made, with their fixed masks.
#pragma once

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/sample_source.h"
#include "data_pipeline/shards/foreign_corpus.h"

namespace bertha {

// A row is a sample; its number counts the rows of the split. A packed row gives several sequences.
// Rows of over data.sequence_length tokens are Error{usage}. `corpus` must outlive the source.
SampleSource foreign_samples(const ForeignCorpus& corpus, const DataConfig& data,
                             std::uint64_t seed);

}  // namespace bertha
