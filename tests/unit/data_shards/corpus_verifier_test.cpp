// The verifier names every fault, and goes on after each.
#include "data_pipeline/shards/corpus_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/shards/corpus.h"
#include "sample_corpus.h"

namespace bertha {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    manifest = write_corpus(
        path, {{{{5, 6}, {7}}, {{8}, {5}}}, {{{9, 10, 11}, {6}}}, {{{5}, {6}, {7, 8}}}},
        numbered_vocabulary(12));
  }
  VerifyReport verify() { return verify_corpus(path, {}); }
  std::filesystem::path shard(int number) const {
    return path / ("train-0000" + std::to_string(number) + "-of-00003.h5");
  }
  void save_manifest() { write_bytes(path / "manifest.json", manifest.to_json()); }

  TemporaryFolder folder;
  std::filesystem::path path = folder / "corpus";
  CorpusManifest manifest;
};

TEST_F(VerifierTest, AGoodCorpusHasNone) {
  std::uint64_t done = 0, total = 0;
  const auto report = verify_corpus(path, [&](std::uint64_t d, std::uint64_t t) {
    EXPECT_GT(d, done);
    done = d;
    total = t;
  });
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.notices, IsEmpty());
  EXPECT_EQ(done, total);
  std::uint64_t bytes = 0;
  for (int i = 0; i < 3; ++i) bytes += std::filesystem::file_size(shard(i));
  EXPECT_EQ(total, bytes);
}

TEST_F(VerifierTest, AllFaultsAtOnce) {
  std::filesystem::resize_file(shard(0), 1000);
  replace_in_file(shard(1), std::string("\11\0\12\0\13\0\6\0", 8),
                  std::string("\11\0\12\0\13\0\7\0", 8));
  std::filesystem::remove(shard(2));
  std::filesystem::remove(path / "tokenizer.json");
  replace_in_file(path / "vocab.txt", "w11", "w99");
  const auto faults = verify().faults;
  EXPECT_THAT(faults, Contains(HasSubstr("train-00000-of-00003.h5: damaged, truncated")));
  EXPECT_THAT(faults, Contains(HasSubstr("train-00001-of-00003.h5: checksum: the data gives")));
  EXPECT_THAT(faults, Contains(HasSubstr("train-00002-of-00003.h5: No such file")));
  EXPECT_THAT(faults, Contains(HasSubstr("tokenizer.json: missing")));
  EXPECT_THAT(faults, Contains(HasSubstr("vocab.txt: sha256")));
  EXPECT_EQ(faults.size(), 5u);
}

// Faults that a program made, not a disk: checksums and manifest agree with them.
class WronglyMadeShard : public VerifierTest {
 protected:
  void replace_second(const RawShard& raw) {
    manifest.splits["train"].shards[1] = write_raw_shard(shard(1), raw, numbered_vocabulary(12));
    save_manifest();
  }
  Error open_error(VerifyLevel level) const {
    return error_of([&] { Corpus corpus(path, "train", level); });
  }
};

TEST_F(WronglyMadeShard, IsReadWhenNothingIsWrong) {
  replace_second(
      {.tokens = {9, 10, 11, 6}, .sentence_offsets = {0, 3, 4}, .document_offsets = {0, 2}});
  EXPECT_THAT(verify().faults, IsEmpty());
}

TEST_F(WronglyMadeShard, IdsBeyondTheVocabulary) {
  replace_second(
      {.tokens = {9, 12, 65535, 6}, .sentence_offsets = {0, 3, 4}, .document_offsets = {0, 2}});
  const std::string fault =
      "train-00001-of-00003.h5: tokens: 2 id(s) beyond the vocabulary of 12 and 0 special id(s), "
      "first [1] = 12";
  EXPECT_THAT(verify().faults, ElementsAre(HasSubstr(fault)));
  EXPECT_EQ(open_error(VerifyLevel::full).kind(), ErrorKind::bad_data);
  EXPECT_THAT(open_error(VerifyLevel::full).message(), HasSubstr(fault));
  // Read later, no such id comes out.
  const Corpus corpus(path, "train", VerifyLevel::quick);
  std::vector<std::int32_t> tokens;
  const auto error = error_of([&] { corpus.copy_sentences(2, 0, 1, tokens); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("train-00001-of-00003.h5: tokens: id 65535 in document 0, "
                                         "but the vocabulary has 12"));
}

TEST_F(WronglyMadeShard, IdsThatAreNegativeToAReaderOfSignedOnes) {
  replace_second({.tokens = {9, 10, 11, 0xffff'fff0U},
                  .sentence_offsets = {0, 3, 4},
                  .document_offsets = {0, 2},
                  .wide = true});
  EXPECT_THAT(verify().faults,
              ElementsAre(HasSubstr("tokens: 1 id(s) beyond the vocabulary of 12 "
                                    "and 0 special id(s), first [3] = 4294967280")));
}

TEST_F(WronglyMadeShard, SpecialIds) {
  replace_second(
      {.tokens = {9, 4, 1, 2}, .sentence_offsets = {0, 3, 4}, .document_offsets = {0, 2}});
  EXPECT_THAT(verify().faults,
              ElementsAre(AllOf(HasSubstr("tokens: 0 id(s) beyond the vocabulary of 12 and 2 "
                                          "special id(s), first [1] = 4"))));
}

TEST_F(WronglyMadeShard, DocumentsWithoutSentences) {
  replace_second({.tokens = {9, 10, 11, 6},
                  .sentence_offsets = {0, 3, 4},
                  .document_offsets = {0, 1, 1, 1, 2}});
  const std::string fault =
      "train-00001-of-00003.h5: document_offsets: 2 value(s) do not ascend, first [2] = 1 after 1";
  manifest.splits["train"].documents += 3;
  save_manifest();
  EXPECT_THAT(verify().faults, ElementsAre(HasSubstr(fault)));
  EXPECT_THAT(open_error(VerifyLevel::full).message(), HasSubstr(fault));
  const Corpus corpus(path, "train", VerifyLevel::quick);
  EXPECT_EQ(corpus.sentences_in(2), 1u);
  const auto error = error_of([&] { corpus.sentences_in(3); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("train-00001-of-00003.h5: document 1 has no sentences"));
}

TEST_F(WronglyMadeShard, DocumentsThatGoBack) {
  replace_second({.tokens = {9, 10, 11, 6},
                  .sentence_offsets = {0, 1, 2, 3, 4},
                  .document_offsets = {0, 3, 1, 4}});
  manifest.splits["train"].documents += 2;
  manifest.splits["train"].sentences += 2;
  save_manifest();
  EXPECT_THAT(verify().faults,
              ElementsAre(HasSubstr("train-00001-of-00003.h5: document_offsets: 1 value(s) do not "
                                    "ascend, first [2] = 1 after 3")));
  const Corpus corpus(path, "train", VerifyLevel::quick);
  EXPECT_THAT(error_of([&] { corpus.sentences_in(3); }).message(),
              HasSubstr("document 1 has no sentences"));
}

TEST_F(WronglyMadeShard, SentencesWithoutTokens) {
  replace_second(
      {.tokens = {9, 10, 11, 6}, .sentence_offsets = {0, 3, 3, 4}, .document_offsets = {0, 3}});
  manifest.splits["train"].sentences += 1;
  save_manifest();
  EXPECT_THAT(verify().faults,
              ElementsAre(HasSubstr("train-00001-of-00003.h5: sentence_offsets: 1 value(s) do not "
                                    "ascend, first [2] = 3 after 3")));
  const Corpus corpus(path, "train", VerifyLevel::quick);
  std::vector<std::uint32_t> lengths;
  EXPECT_THAT(error_of([&] { corpus.sentence_lengths(2, lengths); }).message(),
              HasSubstr("train-00001-of-00003.h5: sentence 1 begins at token 3 and ends at 3"));
}

TEST_F(VerifierTest, OffsetsThatDoNotAscend) {
  const std::string offsets("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24);
  const std::string damaged("\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24);
  replace_in_file(shard(2), offsets, damaged);
  EXPECT_THAT(verify().faults,
              ElementsAre(HasSubstr("checksum"),
                          HasSubstr("sentence_offsets: 1 value(s) do not ascend, first [2] = 2 "
                                    "after 2")));
}

TEST_F(VerifierTest, CountsAndDuplicates) {
  manifest.splits["train"].tokens += 1;
  save_manifest();
  EXPECT_THAT(verify().faults, ElementsAre(HasSubstr("splits.train")));
  manifest.splits["train"].tokens -= 1;
  auto& shards = manifest.splits["train"].shards;
  shards[2].bytes += 1;
  save_manifest();
  EXPECT_THAT(verify().faults, ElementsAre(HasSubstr("00002-of-00003.h5: bytes")));
  std::filesystem::copy_file(shard(1), shard(2), std::filesystem::copy_options::overwrite_existing);
  shards[2] = shards[1];
  shards[2].file = "train-00002-of-00003.h5";
  save_manifest();
  EXPECT_THAT(verify().faults, Contains(HasSubstr("the same content as")));
  shards[2].file = shards[1].file;
  save_manifest();
  const auto report = verify();
  EXPECT_THAT(report.faults, Contains(HasSubstr("train-00001-of-00003.h5 is listed twice")));
  EXPECT_THAT(report.notices, Contains(HasSubstr("train-00002-of-00003.h5: not in the manifest")));
}

TEST_F(VerifierTest, NoticesWhatIsOdd) {
  write_corpus(path, {{{{1, 1, 5}}, {{6}}, {{7}, {8}}}}, numbered_vocabulary(12));
  for (int i = 0; i < 3; ++i) std::filesystem::remove(shard(i));
  const auto report = verify();
  EXPECT_THAT(report.faults, IsEmpty());
  EXPECT_THAT(report.notices, ElementsAre(HasSubstr("33 % of the tokens are unknown"),
                                          HasSubstr("2 of 3 documents have a single sentence")));
}

TEST_F(VerifierTest, WithoutAManifestTheShardsAreStillRead) {
  write_bytes(path / "manifest.json", "{");
  replace_in_file(shard(1), std::string("\11\0\12\0\13\0\6\0", 8),
                  std::string("\11\0\12\0\13\0\7\0", 8));
  EXPECT_THAT(verify().faults, ElementsAre(HasSubstr("manifest.json: not JSON"),
                                           HasSubstr("train-00001-of-00003.h5: checksum")));
}

TEST_F(VerifierTest, ALoneShard) {
  EXPECT_THAT(verify_corpus(shard(0), {}).faults, IsEmpty());
  EXPECT_THAT(verify_corpus(shard(0), {}).notices, IsEmpty());
  std::filesystem::copy_file(shard(0), folder / "lone.h5");
  EXPECT_THAT(verify_corpus(folder / "lone.h5", {}).notices,
              ElementsAre(HasSubstr("no vocabulary")));
  // A vocabulary that is named serves as well as one beside it.
  const auto raw = write_raw_shard(
      folder / "lone.h5",
      {.tokens = {5, 12, 6}, .sentence_offsets = {0, 3}, .document_offsets = {0, 1}},
      numbered_vocabulary(12));
  const auto named = verify_corpus(folder / raw.file, {}, path / "vocab.txt");
  EXPECT_THAT(named.faults, ElementsAre(HasSubstr("first [1] = 12")));
  EXPECT_THAT(named.notices, IsEmpty());
  std::filesystem::resize_file(folder / "lone.h5", 2000);
  EXPECT_THAT(verify_corpus(folder / "lone.h5", {}).faults, ElementsAre(HasSubstr("lone.h5")));
}

}  // namespace
}  // namespace bertha
