// Trims a planned sample to length, reads its tokens and masks them.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/data_config.h"
#include "data_pipeline/samples/masking.h"
#include "data_pipeline/samples/sample_plan.h"
#include "data_pipeline/samples/sequence_list.h"
#include "data_pipeline/shards/corpus.h"
#include "parallel/base/philox.h"

namespace bertha {

// Cuts a pair to `max_tokens` together, as BERT does: the longer text (B when they are equal) loses
// a token at its beginning or end, by a coin, until it fits.
void trim_pair(TokenRange& a, TokenRange& b, std::uint64_t max_tokens, Philox& random);

class SampleBuilder {
 public:
  // `corpus` must outlive the builder.
  SampleBuilder(const Corpus& corpus, const DataConfig& config, std::uint64_t seed);

  // Sample `number` of `epoch`, which `plan` is the plan of, into `result`, whose sequence is
  // empty. Thread-safe. Pure in all of these and the seed.
  void build(const SamplePlan& plan, std::uint64_t number, std::uint32_t epoch,
             LabelledSequence& result) const;
  // Ask for the tokens that build() will read: the processor, or the disk.
  void prefetch(const SamplePlan& plan) const;
  void expect(const SamplePlan& plan) const;

 private:
  void append_marks(std::uint64_t document, TokenRange text,
                    std::vector<std::uint8_t>& marks) const;

  const Corpus& corpus_;
  std::uint64_t seed_;
  Masker masker_;
  bool reads_marks_;  // of words
};

}  // namespace bertha
