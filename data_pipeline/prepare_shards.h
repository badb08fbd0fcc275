// Writes a rank's share of the planned shards, out of everybody's spill files.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_pipeline/prepare_plan.h"
#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/rank_info.h"

namespace bertha {

// By split, in the order of the plan.
using ShardSummaries = std::array<std::vector<ShardSummary>, 2>;

std::string pack_summaries(const ShardSummaries& summaries);
// Of all ranks, put together again by file name.
ShardSummaries merge_summaries(const std::vector<std::string>& packed);

// Counts and shards of both splits, as the manifest holds them.
std::map<std::string, SplitCounts> split_counts(ShardSummaries summaries);

// Shard n (training, then validation) is written by rank n modulo the number of ranks. `folder`
// holds the spill files and gets the shards.
ShardSummaries write_share(const std::filesystem::path& folder,
                           const std::vector<SpillReport>& reports, const ShardPlan& plan,
                           const Vocabulary& vocabulary, const RankInfo& rank);

}  // namespace bertha
