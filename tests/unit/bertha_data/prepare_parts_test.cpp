// The pieces of `prepare`: messages, sharing of files, merging of reports, the shard plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/prepare_message.h"
#include "data_pipeline/prepare_plan.h"
#include "data_pipeline/prepare_share.h"
#include "data_pipeline/spill_index.h"
#include "parallel/base/error.h"

namespace bertha {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(PrepareMessage, NumbersAndTexts) {
  std::string bytes;
  const std::vector<std::uint64_t> numbers = {0, 1, 127, 128, 300, 1u << 31, UINT64_MAX};
  for (const auto number : numbers) put_number(bytes, number);
  put_text(bytes, std::string("a\0b", 3));
  EXPECT_EQ(bytes.substr(0, 7), std::string("\0\1\x7f\x80\x01\xac\x02", 7));  // LEB128
  MessageReader message(bytes);
  for (const auto number : numbers) EXPECT_EQ(message.number(), number);
  EXPECT_EQ(message.text(), std::string("a\0b", 3));
  EXPECT_TRUE(message.at_end());
  EXPECT_THROW(message.number(), Error);
  MessageReader cut(
      "\x05"
      "abc");
  EXPECT_THROW(cut.text(), Error);
  const std::string all_ones(20, '\xff');
  MessageReader endless(all_ones);
  EXPECT_THROW(endless.number(), Error);
}

std::vector<InputFile> files_of(const std::vector<std::uint64_t>& megabytes) {
  std::vector<InputFile> files;
  for (const auto size : megabytes) {
    files.push_back({.path = "f" + std::to_string(files.size()), .bytes = size << 20});
  }
  return files;
}

TEST(PrepareShare, LargeFilesFirst) {
  EXPECT_THAT(share_files(files_of({1, 5, 2, 2}), 2), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(share_files(files_of({1, 5, 2, 2}), 1), Each(0));
  EXPECT_THAT(share_files(files_of({3, 3, 3}), 5), ElementsAre(0, 1, 2));
  auto files = files_of({3, 3, 3});
  files[2].compression = Compression::bzip2;  // more text than it looks
  EXPECT_THAT(share_files(files, 2), ElementsAre(1, 1, 0));
}

TEST(PrepareShare, FilesTravel) {
  auto files = files_of({1, 2});
  files[1].format = TextFormat::mediawiki;
  files[1].compression = Compression::zstd;
  const auto again = unpack_files(pack_files(files));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[1].path, "f1");
  EXPECT_EQ(again[1].format, TextFormat::mediawiki);
  EXPECT_EQ(again[1].compression, Compression::zstd);
  EXPECT_EQ(again[1].bytes, 2u << 20);
}

// Documents as (sentences, tokens), by file.
SpillReport report_of(
    const std::map<std::uint64_t, std::vector<std::pair<unsigned, unsigned>>>& files) {
  SpillReport report;
  for (const auto& [file, documents] : files) {
    report.files.push_back({file, documents.size()});
    for (const auto& [sentences, tokens] : documents) {
      put_number(report.documents, sentences);
      put_number(report.documents, tokens);
    }
  }
  report.longest_sentence_tokens = 300;
  report.read.statistics.first_malformed = "f:1: x";
  report.read.statistics.skipped_malformed = 4;
  return report;
}

TEST(SpillIndex, ReportsMergeInInputOrder) {
  const std::vector<SpillReport> reports = {
      SpillReport::unpack(report_of({{0, {{1, 10}}}, {3, {{2, 20}, {3, 30}}}}).pack()),
      report_of({}), report_of({{1, {{4, 400}}}, {2, {{5, 50}}}, {4, {{6, 60}}}})};
  EXPECT_EQ(reports[0].longest_sentence_tokens, 300u);
  EXPECT_EQ(reports[0].read.statistics.skipped_malformed, 4u);
  EXPECT_EQ(reports[0].read.statistics.first_malformed, "f:1: x");
  DocumentWalk walk(reports);
  SpilledDocument document;
  std::vector<std::vector<std::uint64_t>> all;
  while (walk.next(document)) {
    EXPECT_EQ(document.number, all.size());
    all.push_back({document.rank, document.first_sentence, document.first_token, document.sentences,
                   document.tokens});
  }
  EXPECT_THAT(all, ElementsAre(ElementsAre(0, 0, 0, 1, 10), ElementsAre(2, 0, 0, 4, 400),
                               ElementsAre(2, 4, 400, 5, 50), ElementsAre(0, 1, 10, 2, 20),
                               ElementsAre(0, 3, 30, 3, 30), ElementsAre(2, 9, 450, 6, 60)));
}

std::vector<std::uint64_t> shard_tokens_of(const std::vector<unsigned>& documents,
                                           std::uint64_t shard_tokens) {
  std::vector<std::pair<unsigned, unsigned>> pairs;
  for (const unsigned tokens : documents) pairs.emplace_back(1, tokens);
  const std::vector<SpillReport> reports = {report_of({{0, pairs}})};
  const auto plan = plan_shards(reports, {.shard_tokens = shard_tokens});
  std::vector<std::uint64_t> tokens;
  for (const auto& shard : plan.shards[kTrain]) tokens.push_back(shard.tokens);
  return tokens;
}

TEST(ShardPlan, CutsAtEqualTokens) {
  EXPECT_THAT(shard_tokens_of({10, 10, 10, 10}, 20), ElementsAre(20, 20));
  EXPECT_THAT(shard_tokens_of({10, 10, 10, 10}, 39), ElementsAre(20, 20));
  EXPECT_THAT(shard_tokens_of({10, 10, 10, 10}, 40), ElementsAre(40));
  EXPECT_THAT(shard_tokens_of({10, 10, 10, 10}, 1000), ElementsAre(40));
  EXPECT_THAT(shard_tokens_of({10, 10, 10, 10}, 1), ElementsAre(10, 10, 10, 10));
  // 3 shards of 100: a document that spans a border goes where its middle lies.
  EXPECT_THAT(shard_tokens_of({1, 1, 250, 1, 1, 46}, 100), ElementsAre(2, 250, 48));
  EXPECT_THAT(shard_tokens_of({90, 21, 90, 99}, 100), ElementsAre(90, 111, 99));
}

TEST(ShardPlan, TooManyShardsAreRefused) {
  const std::vector<unsigned> documents(100000, 1);
  try {
    shard_tokens_of(documents, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("100000 shards"));
  }
}

}  // namespace
}  // namespace bertha
