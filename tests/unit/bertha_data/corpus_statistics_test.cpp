// What `prepare` reports of lengths: sentences and documents of known ones, in buckets that double.
#include "data_pipeline/prepare/corpus_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

// A document of sentences of so many words each, one token a word.
std::string document_of(const std::vector<int>& lengths) {
  std::string text;
  for (const int length : lengths) {
    for (int word = 0; word < length; ++word) text += word == 0 ? "one" : " two";
    text += "\n";
  }
  return text + "\n";
}

// The statistics whose names say where a bucket begins, of a corpus made on so many ranks.
std::map<std::string, std::uint64_t> buckets_of(const PrepareOptions& options, int ranks) {
  std::map<std::string, std::uint64_t> buckets;
  const auto outcomes = prepare_on(ranks, options);
  if (!outcomes[0].report) return buckets;
  for (const auto& [name, value] : outcomes[0].report->manifest.statistics) {
    if (name.find("_from_") != name.npos) buckets[name] = value;
  }
  EXPECT_EQ(histogram_text(outcomes[0].report->statistics.sentence_tokens),
            "1: 10.0 %, 2-3: 20.0 %, 4-7: 20.0 %, 8-15: 20.0 %, 16-31: 10.0 %, 256-511: 20.0 %");
  EXPECT_EQ(histogram_text(outcomes[0].report->statistics.document_sentences),
            "1: 50.0 %, 2-3: 25.0 %, 4-7: 25.0 %");
  EXPECT_EQ(outcomes[0].report->manifest.statistics.at("longest_sentence_tokens"), 511u);
  return buckets;
}

TEST(CorpusStatistics, CountsLengthsInBucketsThatDouble) {
  PrepareFolder folder;
  PrepareOptions options;
  options.vocabulary = folder.write("vocab.txt", vocabulary_text({"one", "two"}));
  options.output = folder / "corpus";
  options.validation_fraction = 0;
  options.workers = 2;
  options.input.format = TextFormat::sentences;
  options.input.paths = {(folder / "text").string()};
  folder.write("text/a.txt", document_of({1, 2, 3, 4, 7}) + document_of({8}));
  folder.write("text/b.txt", document_of({15, 16, 511}));
  folder.write("text/c.txt", document_of({256}));
  for (const int ranks : {1, 3}) {
    EXPECT_THAT(
        buckets_of(options, ranks),
        ElementsAre(
            Pair("documents_from_00001_sentences", 2u), Pair("documents_from_00002_sentences", 1u),
            Pair("documents_from_00004_sentences", 1u), Pair("sentences_from_00001_tokens", 1u),
            Pair("sentences_from_00002_tokens", 2u), Pair("sentences_from_00004_tokens", 2u),
            Pair("sentences_from_00008_tokens", 2u), Pair("sentences_from_00016_tokens", 1u),
            Pair("sentences_from_00256_tokens", 2u)));
  }
}

}  // namespace
}  // namespace bertha
