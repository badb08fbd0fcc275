// Which documents are the same as an earlier one, by their digests, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "data_pipeline/spill_index.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// The digests are dealt into buckets that fit into memory, the buckets to the ranks. Writes the
// numbers of a rank's buckets' duplicates into `folder`; all but the first of equals are
// duplicates.
void write_duplicates(const std::filesystem::path& folder, const std::vector<SpillReport>& reports,
                      const RankInfo& rank);

// What all ranks wrote.
DroppedDocuments read_duplicates(const std::filesystem::path& folder,
                                 const std::vector<SpillReport>& reports);

}  // namespace bertha
