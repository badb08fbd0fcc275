// A corpus over several shards: what it gives, and what it refuses.
#include "data_pipeline/shards/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_corpus.h"

namespace bertha {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CorpusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_corpus(path, {{{{5, 6}, {7}}, {{8}}}, {{{9, 10, 11}}}, {{{5}, {6}, {7, 8}}, {{9}}}},
                 numbered_vocabulary(12));
  }
  Error open_error(VerifyLevel level = VerifyLevel::quick, const std::string& split = "train") {
    return error_of([&] { Corpus corpus(path, split, level); });
  }
  std::filesystem::path shard(int number) const {
    return path / ("train-0000" + std::to_string(number) + "-of-00003.h5");
  }
  TemporaryFolder folder;
  std::filesystem::path path = folder / "corpus";
};

TEST_F(CorpusTest, NumbersDocumentsOverAllShards) {
  const Corpus corpus(path, "train", VerifyLevel::full);
  EXPECT_EQ(corpus.documents(), 5u);
  EXPECT_EQ(corpus.tokens(), 12u);
  EXPECT_EQ(corpus.vocabulary().size(), 12);
  const std::vector<std::vector<std::uint32_t>> expected = {{2, 1}, {1}, {3}, {1, 1, 2}, {1}};
  std::vector<std::uint32_t> lengths;
  for (std::uint64_t d = 0; d < 5; ++d) {
    EXPECT_EQ(corpus.sentences_in(d), expected[d].size());
    corpus.sentence_lengths(d, lengths);
    EXPECT_EQ(lengths, expected[d]);
  }
  std::vector<std::int32_t> tokens;
  corpus.copy_sentences(0, 0, 2, tokens);
  corpus.copy_sentences(3, 1, 3, tokens);
  corpus.copy_sentences(2, 0, 1, tokens);
  corpus.copy_sentences(2, 0, 0, tokens);
  EXPECT_THAT(tokens, ElementsAre(5, 6, 7, 6, 7, 8, 9, 10, 11));
}

TEST_F(CorpusTest, AsksForNothingThatIsNotThere) {
  const Corpus corpus(path, "train", VerifyLevel::quick);
  std::vector<std::int32_t> tokens;
  EXPECT_EQ(error_of([&] { corpus.sentences_in(5); }).kind(), ErrorKind::internal);
  EXPECT_EQ(error_of([&] { corpus.copy_sentences(1, 0, 2, tokens); }).kind(), ErrorKind::internal);
  EXPECT_EQ(error_of([&] { corpus.copy_sentences(0, 2, 1, tokens); }).kind(), ErrorKind::internal);
  EXPECT_THAT(open_error(VerifyLevel::quick, "validation").message(),
              HasSubstr("no split 'validation'"));
}

TEST_F(CorpusTest, MissingThingsAreNamed) {
  std::filesystem::remove(shard(1));
  EXPECT_EQ(open_error().kind(), ErrorKind::io);
  EXPECT_THAT(open_error().message(), HasSubstr("train-00001-of-00003.h5"));
  std::filesystem::remove(path / "vocab.txt");
  EXPECT_EQ(open_error().kind(), ErrorKind::io);
  EXPECT_THAT(open_error().message(), HasSubstr("vocab.txt"));
  std::filesystem::remove(path / "manifest.json");
  EXPECT_EQ(open_error().kind(), ErrorKind::bad_data);
  EXPECT_THAT(open_error().message(), HasSubstr("no manifest.json"));
  std::filesystem::remove_all(path);
  EXPECT_EQ(open_error().kind(), ErrorKind::io);
  EXPECT_THAT(open_error().message(), HasSubstr("corpus/manifest.json: No such file"));
}

TEST_F(CorpusTest, AnotherVocabularyIsRefused) {
  write_bytes(path / "vocab.txt", numbered_vocabulary(13).text());
  for (const auto level : {VerifyLevel::off, VerifyLevel::quick, VerifyLevel::full}) {
    EXPECT_EQ(open_error(level).kind(), ErrorKind::bad_data);
    EXPECT_THAT(open_error(level).message(), HasSubstr("vocab.txt (13 tokens)"));
  }
  write_bytes(path / "vocab.txt", numbered_vocabulary(12).text());
  write_shard(shard(1), {{{9, 10, 11}}}, numbered_vocabulary(13));
  EXPECT_THAT(open_error(VerifyLevel::off).message(), HasSubstr("vocab_sha256"));
}

TEST_F(CorpusTest, QuickSeesExchangedShards) {
  write_shard(shard(1), {{{9, 10}}}, numbered_vocabulary(12));
  const auto error = open_error();
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("00001-of-00003.h5: tokens: 2, manifest: 3"));
  EXPECT_THAT(error.message(), HasSubstr("more fault"));
  EXPECT_NO_THROW(Corpus(path, "train", VerifyLevel::off));
}

TEST_F(CorpusTest, QuickSeesTheSameShardTwice) {
  const Documents first = {{{5, 6}, {7}}, {{8}}}, second = {{{9, 10, 11}}};
  write_corpus(path, {first, second, first}, numbered_vocabulary(12));
  const auto error = open_error();
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(),
              HasSubstr("train-00002-of-00003.h5: the same content as train-00000-of-00003.h5"));
  EXPECT_NO_THROW(Corpus(path, "train", VerifyLevel::off));
}

TEST_F(CorpusTest, OnlyFullReadsTheData) {
  replace_in_file(shard(2), std::string("\5\0\6\0\7\0\10\0\11\0", 10),
                  std::string("\5\0\6\0\7\0\10\0\12\0", 10));
  EXPECT_NO_THROW(Corpus(path, "train", VerifyLevel::quick));
  const auto error = open_error(VerifyLevel::full);
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("train-00002-of-00003.h5: checksum"));
}

TEST_F(CorpusTest, DamagedIdsDoNotLeaveTheCorpus) {
  replace_in_file(shard(2), std::string("\5\0\6\0\7\0\10\0\11\0", 10),
                  std::string("\5\0\6\0\14\0\10\0\11\0", 10));  // 12 of 12
  const Corpus corpus(path, "train", VerifyLevel::quick);
  std::vector<std::int32_t> tokens;
  corpus.copy_sentences(3, 0, 2, tokens);
  const auto error = error_of([&] { corpus.copy_sentences(3, 2, 3, tokens); });
  EXPECT_EQ(error.kind(), ErrorKind::bad_data);
  EXPECT_THAT(error.message(), HasSubstr("id 12 in document 0"));
}

TEST_F(CorpusTest, OffsetsOutOfOrderAreErrors) {
  const std::string offsets("\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24);
  const std::string damaged("\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 24);
  replace_in_file(shard(2), offsets, damaged);
  const Corpus corpus(path, "train", VerifyLevel::quick);
  std::vector<std::uint32_t> lengths;
  EXPECT_EQ(error_of([&] { corpus.sentence_lengths(3, lengths); }).kind(), ErrorKind::bad_data);
}

TEST_F(CorpusTest, DigestFollowsTheContent) {
  const auto digest = Corpus(path, "train", VerifyLevel::off).manifest().digest();
  EXPECT_EQ(digest.size(), 64u);
  auto other = write_corpus(folder / "other", {{{{5, 6}, {7}}, {{8}}}}, numbered_vocabulary(12));
  EXPECT_NE(other.digest(), digest);
  const auto before = other.digest();
  other.statistics["unknown_tokens"] = 99;  // says nothing about the content
  EXPECT_EQ(other.digest(), before);
  other.tokenizer.lower_case = false;
  EXPECT_NE(other.digest(), before);
}

}  // namespace
}  // namespace bertha
