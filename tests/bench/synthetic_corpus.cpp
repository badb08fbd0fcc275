// Lengths first, then shard by shard.
#include "tests/bench/synthetic_corpus.h"

#include <span>
#include <string>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/philox.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;

constexpr std::int32_t kVocabulary = 30522, kFirstWord = 5;
constexpr std::uint64_t kShardTokens = 100'000'000, kListedTokens = 1'000'000;
constexpr std::uint64_t kLongestSentence = 44, kMostSentences = 60;

Vocabulary synthetic_vocabulary() {
  std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (std::int32_t id = kFirstWord; id < kVocabulary; ++id) {
    text += (id % 4 == 0 ? "##t" : "t") + std::to_string(id) + "\n";
  }
  return Vocabulary::from_text(text, "synthetic");
}

struct Document {
  std::vector<std::uint32_t> lengths;  // of sentences
  std::uint64_t tokens = 0;
};

std::vector<Document> draw_documents(std::uint64_t tokens, Philox& random) {
  std::vector<Document> documents;
  for (std::uint64_t drawn = 0; drawn < tokens; drawn += documents.back().tokens) {
    auto& document = documents.emplace_back();
    document.lengths.resize(1 + random.next_below(kMostSentences));
    for (auto& length : document.lengths) {
      length = 4 + static_cast<std::uint32_t>(random.next_below(kLongestSentence - 3));
      document.tokens += length;
    }
  }
  return documents;
}

ShardSummary write_shard(const fs::path& path, const std::vector<Document>& documents,
                         const Vocabulary& vocabulary, std::span<const std::int32_t> ids,
                         Philox& random) {
  ShardWriter::Shape shape{documents.size(), 0, 0, vocabulary.size(), vocabulary.sha256()};
  for (const auto& document : documents) {
    shape.sentences += document.lengths.size();
    shape.tokens += document.tokens;
  }
  ShardWriter writer(path, shape);
  for (const auto& document : documents) {
    const auto begin = random.next_below(ids.size() - document.tokens);
    writer.add_document(ids.subspan(begin, document.tokens), document.lengths);
  }
  return writer.finish();
}

}  // namespace

void write_synthetic_corpus(const fs::path& folder, std::uint64_t tokens) {
  const auto vocabulary = synthetic_vocabulary();
  Philox random(1, RandomPurpose::sample_order, 0);
  std::vector<std::int32_t> ids(kListedTokens);
  for (auto& id : ids) {
    id = kFirstWord + static_cast<std::int32_t>(random.next_below(kVocabulary - kFirstWord));
  }
  fs::create_directories(folder);
  const auto shards = static_cast<int>((tokens + kShardTokens - 1) / kShardTokens);
  SplitCounts split;
  for (int s = 0; s < shards; ++s) {
    const auto documents = draw_documents(tokens / static_cast<std::uint64_t>(shards), random);
    const auto name = shard_file_name("train", s, shards);
    split.shards.push_back(write_shard(folder / name, documents, vocabulary, ids, random));
    split.documents += split.shards.back().documents;
    split.sentences += split.shards.back().sentences;
    split.tokens += split.shards.back().tokens;
  }
  CorpusManifest manifest;
  manifest.vocabulary_sha256 = vocabulary.sha256();
  manifest.vocabulary_size = vocabulary.size();
  manifest.splits["train"] = split;
  write_file(folder / "vocab.txt", vocabulary.text());
  write_file(folder / "manifest.json", manifest.to_json());
}

ScratchFolder::ScratchFolder(const fs::path& parent)
    : path(parent / ("bertha-bench-" + std::to_string(::getpid()))) {}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace bertha
