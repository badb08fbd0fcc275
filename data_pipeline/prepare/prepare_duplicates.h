// Which documents are the same as an earlier one, by their digests, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data_pipeline/prepare/spill_index.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// How many documents a bucket of digests that is sorted at once should have; 24 bytes each.
inline constexpr std::uint64_t kBucketDocuments = 8 << 20;

// In three steps, between which all ranks meet. The digests of a rank's units are dealt into
// buckets in `folder`, so that each digest is read once;
void deal_digests(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                  const RankInfo& rank, std::uint64_t bucket_documents = kBucketDocuments);

// the buckets are dealt to the ranks, and the numbers of duplicates in them written there: all but
// the first of equals;
void write_duplicates(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                      const RankInfo& rank, std::uint64_t bucket_documents = kBucketDocuments);

// and what all ranks wrote is read.
DroppedDocuments read_duplicates(const std::filesystem::path& folder,
                                 const std::vector<SpillReport>& reports,
                                 std::uint64_t bucket_documents = kBucketDocuments);

}  // namespace bertha
