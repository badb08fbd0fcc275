// A whole epoch as a model sees it, through shards, order, pairs, masks and packing: each sentence
// once, and the rates that BERT's data is to have.
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "data_pipeline/batch_stream.h"
#include "tests/unit/data_samples/sample_corpus.h"

namespace bertha {
namespace {

constexpr int kDocuments = 60, kLength = 48, kMostTokens = kLength - 3;

// Sentences of one token: every aim is met exactly, so no pair is trimmed and nothing gets lost.
// No token stands in two of them, so it tells its sentence and its document.
class StreamStatistics : public ::testing::Test {
 protected:
  StreamStatistics() : documents_(telling_documents(kDocuments, 660, 1)) {
    write_corpus(folder_.path(), vocabulary_, {{"train", documents_}});
    corpus_ = std::make_unique<Corpus>(folder_.path(), "train", VerifyLevel::full);
    data_.corpus = folder_.path();
    data_.sequence_length = kLength;
    for (std::size_t d = 0; d < documents_.size(); ++d) {
      for (const auto& sentence : documents_[d]) document_of_[sentence[0]] = d;
    }
  }

  // Epoch 0, as one global batch of all its samples.
  std::vector<Batch> epoch() const {
    BatchOptions options;
    options.prefetch = 0;
    options.micro_batch_tokens = 4096;
    options.global_batch = static_cast<std::int64_t>(
        BatchStream(*corpus_, data_, options, {}, {}).samples_in_epoch(0));
    return BatchStream(*corpus_, data_, options, {}, {}).next().micro_batches;
  }
  static std::vector<std::int32_t> unmasked_tokens(const Batch& batch) {
    auto tokens = batch.tokens;
    for (std::size_t m = 0; m < batch.masked_positions.size(); ++m) {
      tokens[static_cast<std::size_t>(batch.masked_positions[m])] = batch.masked_labels[m];
    }
    return tokens;
  }

  TestFolder folder_;
  Vocabulary vocabulary_ = test_vocabulary(12'000);
  std::vector<TestDocument> documents_;
  std::unique_ptr<Corpus> corpus_;
  DataConfig data_;
  std::map<std::int32_t, std::size_t> document_of_;
};

TEST_F(StreamStatistics, EverySentenceOnceAsAOrAsTheBThatFollows) {
  std::set<std::int32_t> seen;
  for (const auto& batch : epoch()) {
    const auto tokens = unmasked_tokens(batch);
    for (std::size_t s = 0; s < batch.next_sentence.size(); ++s) {
      const auto begin = static_cast<std::size_t>(batch.sequence_offsets[s]);
      const auto end = static_cast<std::size_t>(batch.sequence_offsets[s + 1]);
      std::set<std::size_t> documents[2];  // of A, of B
      std::int32_t last = -1;
      for (auto i = begin; i < end; ++i) {
        if (vocabulary_.is_special(tokens[i])) continue;
        const bool is_b = batch.segments[i] == 1, is_random = is_b && batch.next_sentence[s] == 1;
        documents[is_b ? 1 : 0].insert(document_of_.at(tokens[i]));
        if (is_random) continue;
        EXPECT_TRUE(seen.insert(tokens[i]).second) << "twice";
        // The sentences were numbered in their order, so A and the B that follows count on.
        EXPECT_TRUE(last < 0 || tokens[i] == last + 1);
        last = tokens[i];
      }
      ASSERT_EQ(documents[0].size(), 1U);
      ASSERT_EQ(documents[1].size(), 1U);
      EXPECT_EQ(documents[0] == documents[1], batch.next_sentence[s] == 0);
    }
  }
  EXPECT_EQ(seen.size(), document_of_.size());
}

TEST_F(StreamStatistics, RatesOfLabelsLengthsAndMasks) {
  double samples = 0, random_b = 0, following = 0, full = 0, masks = 0, kept = 0, predictions = 0;
  for (const auto& batch : epoch()) {
    const auto tokens = unmasked_tokens(batch);
    std::map<std::size_t, int> by_sequence;
    std::size_t s = 0;
    for (std::size_t m = 0; m < batch.masked_positions.size(); ++m) {
      const auto position = batch.masked_positions[m];
      while (batch.sequence_offsets[s + 1] <= position) ++s;
      ++by_sequence[s];
      const auto at = static_cast<std::size_t>(position);
      EXPECT_FALSE(vocabulary_.is_special(batch.masked_labels[m]));
      masks += batch.tokens[at] == vocabulary_.mask();
      kept += batch.tokens[at] == batch.masked_labels[m];
      ++predictions;
    }
    for (s = 0; s < batch.next_sentence.size(); ++s) {
      const auto length = batch.sequence_offsets[s + 1] - batch.sequence_offsets[s];
      EXPECT_EQ(by_sequence[s], std::max(1L, std::lrint(0.15 * length)));
      ++samples;
      random_b += batch.next_sentence[s];
      following += batch.next_sentence[s] == 0;
      full += batch.next_sentence[s] == 0 && length == kLength;
    }
  }
  EXPECT_GT(samples, 500);
  const double words = 72 + 24'000;  // a random token may be the one that was there
  EXPECT_TRUE(binomial(masks, predictions, 0.8));
  EXPECT_TRUE(binomial(kept, predictions, 0.1 + 0.1 / words));
  // Of a chunk of one sentence, the last of a document, B is always random; there is at most one a
  // document. Of the pairs that follow each other a document's last is short, as is a tenth of all,
  // but for aims of the maximum, one in 44. (A random B may end with its document.)
  const double most_last = kDocuments, aim_below = 0.1 * (kMostTokens - 2) / (kMostTokens - 1);
  EXPECT_GE(random_b, 0.5 * samples - 5 * std::sqrt(samples) / 2);
  EXPECT_LE(random_b, 0.5 * (samples + most_last) + 5 * std::sqrt(samples) / 2);
  const double spread = 5 * std::sqrt(following * aim_below * (1 - aim_below));
  EXPECT_LE(full, following * (1 - aim_below) + spread);
  EXPECT_GE(full, (following - most_last) * (1 - aim_below) - spread);
}

}  // namespace
}  // namespace bertha
