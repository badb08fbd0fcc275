// What a corpus holds, counted: lengths, frequencies, unknown words.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "launch/run_config.h"

namespace bertha {

// Lengths by powers of two: bucket b counts lengths in [2^b, 2^(b+1)); 0 counts as 1.
class LengthHistogram {
 public:
  void add(std::uint64_t length);
  struct Bucket {
    std::uint64_t from = 0, to = 0, count = 0;  // [from, to]
  };
  std::vector<Bucket> buckets() const;  // from the first to the last that is not empty

 private:
  std::vector<std::uint64_t> counts_;
};

struct SplitStatistics {
  std::string name;
  std::uint64_t documents = 0, sentences = 0, tokens = 0, shards = 0;
};

struct CorpusCounts {
  std::vector<SplitStatistics> splits;
  std::map<std::string, std::uint64_t> reading;  // the manifest's: replaced_bytes ...
  std::int32_t vocabulary_size = 0;
  // Of documents spread evenly over the first split that has any, up to about 20 M tokens.
  std::string counted_split;
  std::uint64_t counted_documents = 0, counted_tokens = 0;
  LengthHistogram document_tokens, sentence_tokens;
  std::uint64_t unknown = 0, continuations = 0;
  std::int32_t tokens_used = 0;                                      // of the vocabulary
  std::vector<std::pair<std::string, std::uint64_t>> most_frequent;  // 40
};

// Of a corpus made by `prepare`. Error{io}, Error{bad_data}.
CorpusCounts count_corpus(const RunConfig& config);

}  // namespace bertha
