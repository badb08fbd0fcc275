// Duplicates among digests, against a plain set of those seen before.
#include "data_pipeline/prepare/prepare_duplicates.h"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_pipeline/prepare/spill_file.h"
#include "prepare_samples.h"

namespace bertha {
namespace {

using ::testing::Each;
using ::testing::Not;
using ::testing::StartsWith;

class PrepareDuplicates : public ::testing::Test {
 protected:
  // Units of these sizes; a third of the documents are like an earlier one, some alike in half of
  // their digest only.
  void write_spill(const std::vector<std::uint64_t>& sizes) {
    std::mt19937_64 random(5);
    std::set<DocumentDigest> seen;
    std::vector<DocumentDigest> all;
    for (std::size_t unit = 0; unit < sizes.size(); ++unit) {
      SpillFileWriter file(folder.path(), unit);
      for (std::uint64_t n = 0; n < sizes[unit]; ++n) {
        DocumentDigest digest{random(), random()};
        if (!all.empty() && random() % 3 == 0) digest = all[random() % all.size()];
        if (!all.empty() && random() % 7 == 0) digest[0] = all[random() % all.size()][0];
        all.push_back(digest);
        expected.push_back(!seen.insert(digest).second);
        file.append(SpillStream::digests, &digest, sizeof digest);
      }
      file.finish("");
      reports.emplace_back().documents = sizes[unit];
    }
  }
  DroppedDocuments find(int ranks, std::uint64_t bucket_documents) {
    for (int rank = 0; rank < ranks; ++rank) {
      deal_digests(folder.path(), reports, {rank, ranks, rank, ranks}, bucket_documents);
    }
    for (int rank = 0; rank < ranks; ++rank) {
      write_duplicates(folder.path(), reports, {rank, ranks, rank, ranks}, bucket_documents);
    }
    return read_duplicates(folder.path(), reports, bucket_documents);
  }

  PrepareFolder folder;
  std::vector<SpillReport> reports;
  DroppedDocuments expected;
};

TEST_F(PrepareDuplicates, AreTheSameOnAnyRanksAndInBucketsOfAnySize) {
  write_spill({1, 40'000, 0, 333, 0, 20'000, 1, 1});
  ASSERT_GT(std::ranges::count(expected, true), 15'000);
  for (const int ranks : {1, 2, 3, 7}) {
    for (const std::uint64_t bucket : {std::uint64_t{6000}, kBucketDocuments}) {
      EXPECT_TRUE(find(ranks, bucket) == expected) << ranks << " ranks, buckets of " << bucket;
    }
  }
  EXPECT_THAT(folder.names(), Each(Not(StartsWith("digests-"))));
}

TEST_F(PrepareDuplicates, WhatAKilledRunLeftIsNotCounted) {
  write_spill({500, 700, 900});
  for (int rank = 0; rank < 5; ++rank)
    deal_digests(folder.path(), reports, {rank, 5, rank, 5}, 100);
  EXPECT_TRUE(find(2, 100) == expected);
}

TEST_F(PrepareDuplicates, ALostBucketIsAnError) {
  write_spill({500});
  const RankInfo alone{0, 1, 0, 1};
  deal_digests(folder.path(), reports, alone, 100);
  std::filesystem::remove(folder / "digests-00003-00000");
  try {
    write_duplicates(folder.path(), reports, alone, 100);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_THAT(error.message(), ::testing::HasSubstr("digests-00003-00000"));
  }
}

TEST_F(PrepareDuplicates, NoDocumentsHaveNone) {
  write_spill({0, 0});
  EXPECT_TRUE(find(2, 100).empty());
}

}  // namespace
}  // namespace bertha
