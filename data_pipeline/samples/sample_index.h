// Which samples an epoch has. Sample k of document d is found by rebuilding that document's chunks,
// so the index holds one prefix count per document and nothing else.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/shards/corpus.h"

namespace bertha {

// Sentences [a_begin, a_end) of `document` are text A. Text B: sentences [a_end, b_end) of the same
// document (next), or [b_begin, b_end) of `b_document` (random), or nothing (next_sentence off).
struct SamplePlan {
  std::uint64_t document = 0;
  std::uint64_t a_begin = 0, a_end = 0;
  bool has_b = false;
  bool random_b = false;
  std::uint64_t b_document = 0, b_begin = 0, b_end = 0;
  int max_tokens = 0;  // of A and B together, without special tokens; longer pairs are trimmed
  std::uint64_t document_sample = 0;  // number of this sample within its document
};

class SampleIndex {
 public:
  // Pure in (corpus, config.next_sentence, lengths, seed, epoch). Threads: `config.workers`.
  SampleIndex(const Corpus& corpus, const DataConfig& config, std::uint64_t seed,
              std::uint32_t epoch);
  std::uint64_t size() const { return first_sample_.back(); }
  // Sample number `index` in document order, `index` < size(). Thread-safe.
  SamplePlan plan(std::uint64_t index) const;

 private:
  const Corpus& corpus_;
  DataConfig config_;
  std::uint64_t seed_;
  std::uint32_t epoch_;
  std::vector<std::uint64_t> first_sample_;  // by document, and the total
};

}  // namespace bertha
