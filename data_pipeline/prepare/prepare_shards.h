// Writes a rank's share of the planned shards, out of everybody's spill files.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data_pipeline/prepare/corpus_statistics.h"
#include "data_pipeline/prepare/prepare_plan.h"
#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/rank_info.h"

namespace bertha {

struct WrittenShard {
  std::size_t split;
  ShardSummary summary;
  CorpusStatistics statistics;
};

std::string pack_shards(const std::vector<WrittenShard>& shards);
// Of all ranks, put together again by split and file name.
std::vector<WrittenShard> merge_shards(const std::vector<std::string>& packed);

// Counts and shards of both splits, as the manifest holds them.
std::map<std::string, SplitCounts> split_counts(const std::vector<WrittenShard>& shards);

struct ShareOptions {
  std::filesystem::path work;  // holds the spill, shards under way and what is known of whole ones
  std::filesystem::path corpus;  // gets the whole shards
  const Vocabulary& vocabulary;
  const RankInfo& rank;
  bool word_boundaries = false;
  int threads = 1;  // at most; a few are enough
  // Now and then, on the calling thread: tokens written, and in all to be written, by this rank in
  // this run.
  std::function<void(std::uint64_t, std::uint64_t)> progress;
  std::function<void()> got_on{};  // any thread: a document is written; may be empty
};

// Shard n (training, then validation) is written by rank n modulo the number of ranks, unless an
// earlier run did.
std::vector<WrittenShard> write_share(const BeginWalk& walk, const ShardPlan& plan,
                                      const ShareOptions& options);

}  // namespace bertha
