// Corpora for tests, written to a folder that goes away with the test.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <numeric>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/samples/masking.h"
#include "data_pipeline/samples/word_marker.h"
#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/shards/shard_writer.h"
#include "parallel/base/philox.h"
#include "parallel/base/staged_output.h"

namespace bertha {

class TestFolder {
 public:
  TestFolder() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            ("bertha-" + std::string(test->test_suite_name()) + "-" + test->name() + "-" +
             std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Five special tokens, [unused0], the letters and digits as words and as continuations, then words
// "w1000", "w1001", ... and as many continuations "##c1000", ...
inline constexpr std::int32_t kFirstCharacter = 6, kFirstWord = kFirstCharacter + 2 * 36;
inline Vocabulary test_vocabulary(int words) {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]"};
  const std::string characters = "abcdefghijklmnopqrstuvwxyz0123456789";
  for (const char c : characters) tokens.emplace_back(1, c);
  for (const char c : characters) tokens.push_back(std::string("##") + c);
  for (int i = 0; i < words; ++i) tokens.push_back("w" + std::to_string(1000 + i));
  for (int i = 0; i < words; ++i) tokens.push_back("##c" + std::to_string(1000 + i));
  return Vocabulary(tokens, "the test's vocabulary");
}

using TestDocument = std::vector<std::vector<std::int32_t>>;  // sentences

inline ShardSummary write_shard(const std::filesystem::path& path,
                                const std::vector<TestDocument>& documents,
                                const Vocabulary& vocabulary, bool has_word_marks = false) {
  ShardWriter::Shape shape{documents.size(), 0, 0, vocabulary.size(), vocabulary.sha256(),
                           has_word_marks};
  WordMarker marker(vocabulary);
  for (const auto& document : documents) {
    shape.sentences += document.size();
    for (const auto& sentence : document) shape.tokens += sentence.size();
  }
  ShardWriter writer(path, shape);
  for (const auto& document : documents) {
    std::vector<std::int32_t> tokens;
    std::vector<std::uint32_t> lengths;
    for (const auto& sentence : document) {
      tokens.insert(tokens.end(), sentence.begin(), sentence.end());
      lengths.push_back(static_cast<std::uint32_t>(sentence.size()));
    }
    writer.add_document(tokens, lengths);
    if (!has_word_marks) continue;
    std::vector<std::uint8_t> marks;
    marker.add(tokens, marks);
    marker.end_document(marks);
    writer.add_word_marks(marks);
  }
  return writer.finish();
}

// Two shards of the split where there are documents for two.
inline void write_corpus(const std::filesystem::path& folder, const Vocabulary& vocabulary,
                         const std::map<std::string, std::vector<TestDocument>>& splits,
                         bool has_word_marks = false) {
  std::filesystem::create_directories(folder);
  write_file(folder / "vocab.txt", vocabulary.text());
  CorpusManifest manifest;
  manifest.vocabulary_sha256 = vocabulary.sha256();
  manifest.vocabulary_size = vocabulary.size();
  manifest.word_boundaries = has_word_marks;
  for (const auto& [split, documents] : splits) {
    auto& counts = manifest.splits[split];
    const int shards = documents.size() > 1 ? 2 : 1;
    for (int s = 0; s < shards; ++s) {
      const auto name = shard_file_name(split, s, shards);
      const auto middle = documents.begin() + static_cast<std::ptrdiff_t>(documents.size() / 2);
      const std::vector<TestDocument> part(s == 0 && shards == 2 ? documents.begin()
                                           : shards == 2         ? middle
                                                                 : documents.begin(),
                                           s == 0 && shards == 2 ? middle : documents.end());
      counts.shards.push_back(write_shard(folder / name, part, vocabulary, has_word_marks));
      counts.documents += counts.shards.back().documents;
      counts.sentences += counts.shards.back().sentences;
      counts.tokens += counts.shards.back().tokens;
    }
  }
  write_file(folder / "manifest.json", manifest.to_json());
}

// Documents of 1 to `most_sentences` sentences of 1 to `most_tokens` tokens. Every token of a
// sentence is the same, and no two sentences share one, so a token tells where it comes from.
inline std::vector<TestDocument> telling_documents(int documents, std::uint64_t most_sentences,
                                                   std::uint64_t most_tokens,
                                                   std::int32_t first_token = kFirstWord) {
  Philox random(11, RandomPurpose::sample_order, 99);
  std::vector<TestDocument> result(static_cast<std::size_t>(documents));
  for (auto& document : result) {
    document.resize(1 + random.next_below(most_sentences));
    for (auto& sentence : document) {
      sentence.assign(1 + random.next_below(most_tokens), first_token++);
    }
  }
  return result;
}

// The tokens as they were before masking.
inline std::vector<std::int32_t> unmasked(const Sequence& sequence) {
  auto tokens = sequence.tokens;
  for (std::size_t i = 0; i < sequence.masked_positions.size(); ++i) {
    tokens[static_cast<std::size_t>(sequence.masked_positions[i])] = sequence.masked_labels[i];
  }
  return tokens;
}

// `count` of `trials` within five standard deviations of a binomial with `probability`.
inline ::testing::AssertionResult binomial(double count, double trials, double probability) {
  const double mean = trials * probability;
  const double bound = 5 * std::sqrt(trials * probability * (1 - probability));
  if (std::abs(count - mean) <= bound) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << count << " of " << trials << ", expected " << mean << " +- " << bound;
}

}  // namespace bertha
