// The samples of a corpus: pairs of sentences, masked anew each epoch.
#pragma once

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/sample_source.h"
#include "data_pipeline/shards/corpus.h"

namespace bertha {

// `corpus` must outlive the source and its epochs.
SampleSource corpus_samples(const Corpus& corpus, const DataConfig& data, std::uint64_t seed);

}  // namespace bertha
