// The samples of a corpus: pairs of sentences, masked anew each epoch.
#pragma once

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/sample_source.h"
#include "data_pipeline/shards/corpus.h"

namespace bertha {

// `corpus` must outlive the source and its epochs. The first epoch, for which everybody waits, is
// counted by `first_workers` threads if these are more than data.workers. A thread reads and maps
// the corpus meanwhile (Corpus::map).
SampleSource corpus_samples(const Corpus& corpus, const DataConfig& data, std::uint64_t seed,
                            int first_workers = 1);

}  // namespace bertha
