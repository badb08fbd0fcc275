// The entropy of a corpus' token frequencies: the loss of a model that knows nothing else, and so
// the line a training loss must fall below.
#pragma once

#include <cstdint>

#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/shards/foreign_corpus.h"

namespace bertha {

// In nats per token, over the first `most_tokens` tokens (whole documents).
double unigram_entropy(const Corpus& corpus, std::uint64_t most_tokens);
// Over whole blocks, the masked tokens as they were, special ones left out.
double unigram_entropy(const ForeignCorpus& corpus, std::uint64_t most_tokens);

}  // namespace bertha
