// Counts token ids document by document, or block by block.
#include "data_pipeline/unigram.h"

#include <cmath>
#include <span>
#include <vector>

namespace bertha {
namespace {

class TokenCounts {
 public:
  explicit TokenCounts(std::int32_t vocabulary_size)
      : counts_(static_cast<std::size_t>(vocabulary_size)) {}

  std::uint64_t total() const { return total_; }
  void add(std::span<const std::int32_t> tokens) {
    for (const auto id : tokens) {
      if (id < 0 || static_cast<std::size_t>(id) >= counts_.size()) continue;
      ++counts_[static_cast<std::size_t>(id)];
      ++total_;
    }
  }
  double entropy() const {
    double entropy = 0;
    for (const auto count : counts_) {
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(total_);
      entropy -= share * std::log(share);
    }
    return entropy;
  }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

}  // namespace

double unigram_entropy(const Corpus& corpus, std::uint64_t most_tokens) {
  TokenCounts counts(corpus.vocabulary().size());
  std::vector<std::int32_t> tokens;
  for (std::uint64_t d = 0; d < corpus.documents() && counts.total() < most_tokens; ++d) {
    tokens.clear();
    corpus.copy_sentences(d, 0, corpus.sentences_in(d), tokens);
    counts.add(tokens);
  }
  return counts.entropy();
}

double unigram_entropy(const ForeignCorpus& corpus, std::uint64_t most_tokens) {
  const auto& vocabulary = corpus.vocabulary();
  TokenCounts counts(vocabulary.size());
  for (std::size_t b = 0; b < corpus.blocks().size() && counts.total() < most_tokens; ++b) {
    auto rows = corpus.read(b);
    for (std::size_t s = 0; s < rows.sequences(); ++s) {
      for (auto i = rows.prediction_offsets[s]; i < rows.prediction_offsets[s + 1]; ++i) {
        const auto position = static_cast<std::size_t>(rows.masked_positions[i]);
        rows.tokens[rows.token_offsets[s] + position] = rows.masked_labels[i];
      }
    }
    std::erase_if(rows.tokens, [&](std::int32_t id) {
      return vocabulary.is_special(id) && id != vocabulary.unknown();
    });
    counts.add(rows.tokens);
  }
  return counts.entropy();
}

}  // namespace bertha
