// Counts token ids document by document.
#include "data_pipeline/unigram.h"

#include <cmath>
#include <vector>

namespace bertha {

double unigram_entropy(const Corpus& corpus, std::uint64_t most_tokens) {
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(corpus.vocabulary().size()));
  std::vector<std::int32_t> tokens;
  std::uint64_t total = 0;
  for (std::uint64_t d = 0; d < corpus.documents() && total < most_tokens; ++d) {
    tokens.clear();
    corpus.copy_sentences(d, 0, corpus.sentences_in(d), tokens);
    for (const auto id : tokens) {
      if (id >= 0 && static_cast<std::size_t>(id) < counts.size()) {
        ++counts[static_cast<std::size_t>(id)];
      }
    }
    total += tokens.size();
  }
  double entropy = 0;
  for (const auto count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(total);
    entropy -= share * std::log(share);
  }
  return entropy;
}

}  // namespace bertha
