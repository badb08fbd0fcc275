// The pieces of `prepare`: messages, units and who does them, the index of the spill, the shard
// plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/prepare/prepare_plan.h"
#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/prepare/spill_checksum.h"
#include "data_pipeline/prepare/spill_file.h"
#include "data_pipeline/prepare/spill_index.h"
#include "parallel/base/error.h"
#include "prepare_samples.h"

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
    files.push_back({.path = "f" + std::to_string(files.size()),
                     .compression = Compression::gzip,
                     .bytes = size << 20});
  }
  return files;
}

std::vector<int> shared(const std::vector<InputFile>& files, int ranks) {
  std::vector<InputUnit> units;
  std::vector<std::size_t> all;
  for (const auto& file : files) {
    all.push_back(units.size());
    units.push_back({{file}});
  }
  return share_units(units, all, ranks);
}

TEST(PrepareUnits, LargeOnesFirst) {
  EXPECT_THAT(shared(files_of({1, 5, 2, 2}), 2), ElementsAre(1, 0, 1, 1));
  EXPECT_THAT(shared(files_of({1, 5, 2, 2}), 1), Each(0));
  EXPECT_THAT(shared(files_of({3, 3, 3}), 5), ElementsAre(0, 1, 2));
  auto files = files_of({3, 3, 3});
  files[0].compression = files[1].compression = Compression::none;  // less text than the other
  EXPECT_THAT(shared(files, 2), ElementsAre(1, 1, 0));
  const std::vector<InputUnit> units = {{{files[0]}}, {{files[1]}}, {{files[2]}}};
  EXPECT_THAT(share_units(units, {1, 2}, 2), ElementsAre(1, 0));
}

TEST(PrepareUnits, SmallFilesAreGroupedInOrder) {
  std::vector<InputFile> files(4000);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i] = {.path = std::to_string(i), .bytes = 4 << 10};
  }
  const auto units = plan_units(files, 4 << 20);
  EXPECT_GT(units.size(), 10u);
  EXPECT_LT(units.size(), 40u);  // 20 kB of work each, of 4 MiB
  std::size_t next = 0;
  for (const auto& unit : units) {
    for (const auto& file : unit.files) EXPECT_EQ(file.path, std::to_string(next++));
  }
  EXPECT_EQ(next, files.size());
}

TEST(PrepareUnits, TheyTravel) {
  auto files = files_of({1, 2});
  files[1].format = TextFormat::mediawiki;
  files[1].modified_ns = -3;
  files[1].begin = 5;
  files[1].end = 70;
  const auto again = unpack_units(pack_units({{{files[0]}}, {{files[1], files[0]}}}));
  ASSERT_EQ(again.size(), 2u);
  ASSERT_EQ(again[1].files.size(), 2u);
  const InputFile& file = again[1].files[0];
  EXPECT_EQ(file.path, "f1");
  EXPECT_EQ(file.format, TextFormat::mediawiki);
  EXPECT_EQ(file.compression, Compression::gzip);
  EXPECT_EQ(file.bytes, 2u << 20);
  EXPECT_EQ(file.modified_ns, -3);
  EXPECT_EQ(file.begin, 5u);
  EXPECT_EQ(file.end, 70u);
}

using Documents = std::vector<std::pair<unsigned, unsigned>>;  // sentences, tokens

// Writes the index of a unit's documents, with its report.
SpillReport spill_unit(const PrepareFolder& folder, std::size_t unit, const Documents& documents) {
  SpillFileWriter file(folder.path(), unit);
  for (const auto& [sentences, tokens] : documents) {
    std::string numbers;
    put_number(numbers, sentences);
    put_number(numbers, tokens);
    file.append(SpillStream::documents, numbers.data(), numbers.size());
  }
  SpillReport report;
  report.documents = documents.size();
  report.read.skipped_malformed = 4;
  report.read.first_malformed = "f:1: x";
  file.finish(report.pack());
  return report;
}

TEST(SpillChecksum, BytesCountNotPieces) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes.push_back(static_cast<char>(i * 7));
  const auto sum = [](std::initializer_list<std::string_view> pieces) {
    SpillChecksum checksum;
    for (const auto piece : pieces) checksum.update(piece.data(), piece.size());
    return checksum.value();
  };
  const std::string_view all = bytes;
  const auto whole = sum({all});
  for (const std::size_t cut : {1, 31, 32, 33, 500, 999}) {
    EXPECT_EQ(sum({all.substr(0, cut), all.substr(cut)}), whole);
    EXPECT_NE(sum({all.substr(0, cut)}), whole);
    std::string damaged = bytes;
    damaged[cut] = static_cast<char>(damaged[cut] ^ 1);
    EXPECT_NE(sum({damaged}), whole);
    std::swap(damaged[cut], damaged[cut - 1]);
    EXPECT_NE(sum({damaged}), whole);
  }
  EXPECT_NE(sum({all, std::string_view("\0", 1)}), whole);
  EXPECT_NE(sum({std::string_view("\0", 1)}), sum({}));
}

TEST(SpillIndex, ReportsAreFoundWhenTheirUnitIsWhole) {
  const PrepareFolder folder;
  spill_unit(folder, 3, {{1, 10}, {2, 20}});
  const auto found = find_spill_report(folder.path(), 3);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->documents, 2u);
  EXPECT_EQ(found->read.skipped_malformed, 4u);
  EXPECT_EQ(found->read.first_malformed, "f:1: x");
  EXPECT_FALSE(find_spill_report(folder.path(), 4));
}

TEST(SpillIndex, DocumentsInInputOrder) {
  const PrepareFolder folder;
  const std::vector<SpillReport> reports = {
      spill_unit(folder, 0, {{1, 10}}), spill_unit(folder, 1, {}),
      spill_unit(folder, 2, {{4, 400}, {5, 50}, {6, 60}}), spill_unit(folder, 3, {})};
  std::vector<std::vector<std::uint64_t>> all;
  const auto walk_all = [&](const DroppedDocuments& dropped) {
    all.clear();
    DocumentWalk walk(folder.path(), reports, dropped);
    for (SpilledDocument document; walk.next(document);) {
      all.push_back({document.number, document.unit, document.first_sentence, document.first_token,
                     document.sentences, document.tokens});
    }
  };
  walk_all({});
  EXPECT_THAT(all, ElementsAre(ElementsAre(0, 0, 0, 0, 1, 10), ElementsAre(1, 2, 0, 0, 4, 400),
                               ElementsAre(2, 2, 4, 400, 5, 50), ElementsAre(3, 2, 9, 450, 6, 60)));
  walk_all({false, true, false, true});
  EXPECT_THAT(all, ElementsAre(ElementsAre(0, 0, 0, 0, 1, 10), ElementsAre(1, 2, 4, 400, 5, 50)));
}

std::vector<std::uint64_t> shard_tokens_of(const std::vector<unsigned>& documents,
                                           std::uint64_t shard_tokens) {
  const PrepareFolder folder;
  Documents pairs;
  for (const unsigned tokens : documents) pairs.emplace_back(1, tokens);
  const std::vector<SpillReport> reports = {spill_unit(folder, 0, pairs)};
  const DroppedDocuments none;
  const auto plan = plan_shards([&] { return DocumentWalk(folder.path(), reports, none); },
                                {.shard_tokens = shard_tokens});
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
