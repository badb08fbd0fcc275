// Which samples an epoch has. A sample is found by planning anew from the nearest mark before it;
// the index holds marks, one in so many samples that all of them take half a gigabyte at most, and
// a byte a document for the blocks they stand in.
#pragma once

#include <cstdint>
#include <span>
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
  std::uint64_t size() const { return blocks_.back().first_sample; }
  std::uint32_t epoch() const { return options_.epoch; }
  // Sample number `index` in document order, `index` < size(). Thread-safe.
  SamplePlan plan(std::uint64_t index) const;
  // Several at once: they lie far from each other, so the memory of all is asked for before any
  // waits for its own.
  void plan(std::span<const std::uint64_t> indices, std::vector<SamplePlan>& plans) const;

 private:
  // Where planning can begin, before a sample.
  struct Mark {
    std::uint32_t document = 0;  // within its block
    std::uint32_t sample = 0;    // within its document
    std::uint64_t sentence = 0;  // within its document
  };
  // Documents that are counted together.
  struct Block {
    std::uint64_t first_sample = 0;  // while they are counted: samples of the block before
    std::vector<Mark> marks;         // the first one is before its first sample
  };
  // Where to begin planning for a sample.
  struct Start {
    const Mark* mark = nullptr;
    std::uint64_t first_document = 0, skipped = 0;  // of the block; samples from the mark on
    std::uint64_t document() const { return first_document + mark->document; }
  };
  Start start_of(std::uint64_t index) const;
  DocumentPlanner::WithoutB plan_from(const Start& start) const;
  void choose_distance(const DataConfig& config);
  struct Counter;  // a thread's scratch memory
  void count_samples(std::size_t begin, std::size_t end, Counter& counter);
  void add_document(std::size_t document, std::span<const std::uint64_t> starts,
                    std::vector<Mark>& marks);
  DocumentPlanner planner_of(std::uint64_t document) const;
  SamplePlan with_end_of_b(SamplePlan plan) const;

  const Corpus& corpus_;
  PairOptions options_;
  SentencesIn sentences_in_;
  std::uint64_t samples_per_mark_ = 0;
  std::vector<Block> blocks_;  // and the end
};

}  // namespace bertha
