// What `prepare` found out on its way, and the manifest made of it.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/prepare/prepare.h"
#include "data_pipeline/prepare/prepare_shards.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

struct PrepareFindings {
  ReadStatistics read;  // of the whole input
  std::uint64_t documents_without_tokens = 0;
  std::uint64_t duplicates = 0;  // dropped
  std::vector<WrittenShard> shards;
  CorpusStatistics statistics;  // of the corpus
};

CorpusManifest describe_corpus(const Vocabulary& vocabulary, const PrepareOptions& options,
                               const PrepareFindings& findings);

// A warning when much of the text is unknown to the vocabulary.
void warn_of_unknown(const CorpusManifest& manifest);

}  // namespace bertha
