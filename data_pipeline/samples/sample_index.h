// Which samples an epoch has. A sample is found by planning its document anew from the nearest mark
// before it, so the index holds one prefix count per document and a mark here and there.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/sample_plan.h"
#include "data_pipeline/samples/sentence_pairs.h"
#include "data_pipeline/shards/corpus.h"

namespace bertha {

class SampleIndex {
 public:
  // Pure in (corpus, config.next_sentence, lengths, seed, epoch). Threads: `config.workers`.
  // `corpus` must outlive the index. Error{usage}: sequence_length that holds no pair.
  SampleIndex(const Corpus& corpus, const DataConfig& config, std::uint64_t seed,
              std::uint32_t epoch);
  std::uint64_t size() const { return first_sample_.back(); }
  std::uint32_t epoch() const { return options_.epoch; }
  // Sample number `index` in document order, `index` < size(). Thread-safe.
  SamplePlan plan(std::uint64_t index) const;

 private:
  // Where a long document can be entered.
  struct Mark {
    std::uint64_t document;
    DocumentPlanner::Place place;
  };
  void count_documents(std::size_t begin, std::size_t end, std::vector<Mark>& marks);
  DocumentPlanner::Place nearest_mark(std::uint64_t document, std::uint64_t sample) const;
  void find_end_of_b(SamplePlan& plan, std::uint64_t a_tokens) const;

  const Corpus& corpus_;
  PairOptions options_;
  SentencesIn sentences_in_;
  std::vector<std::uint64_t> first_sample_;  // by document, and the total
  std::vector<Mark> marks_;                  // by document and place
};

}  // namespace bertha
