// A split of what data.corpus names, a corpus of ours or a folder of foreign shards, as pretraining
// and evaluation need it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "data_pipeline/batch_stream.h"
#include "data_pipeline/data_config.h"
#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/shards/foreign_corpus.h"

namespace bertha {

class TrainingData {
 public:
  // `split`: "train" or "validation". Errors as of Corpus and ForeignCorpus.
  TrainingData(const DataConfig& data, const std::string& split);
  static bool has_split(const DataConfig& data, const std::string& split);

  const Vocabulary& vocabulary() const;
  TokenizerOptions tokenizer() const;  // that made its tokens; of foreign shards, what options say
  std::string digest() const;          // identifies the content in checkpoints
  std::string description() const;     // "3.1 K documents, 4.2 M tokens"
  // vocab.txt, tokenizer.json, tokenizer_config.json for checkpoints.
  std::map<std::string, std::string> tokenizer_files() const;
  // In nats per token, over about the first `most_tokens`: see unigram.h.
  double unigram_entropy(std::uint64_t most_tokens) const;

  std::unique_ptr<BatchStream> stream(const BatchOptions& options, const RankInfo& rank,
                                      const StreamCursor& start) const;
  std::vector<Batch> validation(const BatchOptions& options, const RankInfo& rank,
                                std::uint64_t max_samples) const;

 private:
  DataConfig data_;
  std::variant<Corpus, ForeignCorpus> source_;
};

}  // namespace bertha
