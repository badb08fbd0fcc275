// Counting over the shards.
#include "launch/corpus_counts.h"

#include <algorithm>
#include <bit>

#include "data_pipeline/shards/corpus.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

constexpr std::uint64_t kMostTokens = 20'000'000;
constexpr std::size_t kMostFrequent = 40;

void count_documents(const Corpus& corpus, CorpusCounts& statistics) {
  const auto& vocabulary = corpus.vocabulary();
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(vocabulary.size()));
  std::vector<std::uint32_t> lengths;
  std::vector<std::int32_t> tokens;
  const auto stride = corpus.tokens() / kMostTokens + 1;
  for (std::uint64_t document = 0; document < corpus.documents(); document += stride) {
    corpus.sentence_lengths(document, lengths);
    for (const auto length : lengths) statistics.sentence_tokens.add(length);
    tokens.clear();
    corpus.copy_sentences(document, 0, lengths.size(), tokens);
    statistics.document_tokens.add(tokens.size());
    statistics.counted_tokens += tokens.size();
    ++statistics.counted_documents;
    for (const auto id : tokens) {
      if (id < 0 || id >= vocabulary.size()) {
        throw Error(ErrorKind::bad_data, "the corpus holds a token beyond its vocabulary",
                    "`bertha verify` names every fault");
      }
      ++counts[static_cast<std::size_t>(id)];
    }
  }
  std::vector<std::int32_t> order;
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const auto count = counts[static_cast<std::size_t>(id)];
    if (count == 0) continue;
    order.push_back(id);
    if (vocabulary.is_continuation(id)) statistics.continuations += count;
  }
  statistics.unknown = counts[static_cast<std::size_t>(vocabulary.unknown())];
  statistics.tokens_used = static_cast<std::int32_t>(order.size());
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return counts[static_cast<std::size_t>(a)] > counts[static_cast<std::size_t>(b)];
  });
  order.resize(std::min(order.size(), kMostFrequent));
  for (const auto id : order) {
    statistics.most_frequent.emplace_back(vocabulary.token(id),
                                          counts[static_cast<std::size_t>(id)]);
  }
}

}  // namespace

void LengthHistogram::add(std::uint64_t length) {
  const auto bucket = static_cast<std::size_t>(std::bit_width(std::max<std::uint64_t>(length, 1)));
  if (counts_.size() < bucket) counts_.resize(bucket);
  ++counts_[bucket - 1];
}

std::vector<LengthHistogram::Bucket> LengthHistogram::buckets() const {
  std::vector<Bucket> list;
  for (std::size_t b = 0; b < counts_.size(); ++b) {
    if (list.empty() && counts_[b] == 0) continue;
    const auto from = std::uint64_t{1} << b;
    list.push_back({from, 2 * from - 1, counts_[b]});
  }
  return list;
}

CorpusCounts count_corpus(const RunConfig& config) {
  const auto& folder = config.data.corpus;
  const auto manifest = CorpusManifest::from_folder(folder);
  CorpusCounts statistics;
  statistics.reading = manifest.statistics;
  statistics.vocabulary_size = manifest.vocabulary_size;
  for (const auto& [name, split] : manifest.splits) {
    statistics.splits.push_back(
        {name, split.documents, split.sentences, split.tokens, split.shards.size()});
    if (split.documents > 0 && statistics.counted_split.empty()) statistics.counted_split = name;
  }
  if (!statistics.counted_split.empty()) {
    count_documents(Corpus(folder, statistics.counted_split, VerifyLevel::quick), statistics);
  }
  return statistics;
}

}  // namespace bertha
