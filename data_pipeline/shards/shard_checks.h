// What can be wrong with a shard: against the manifest, and inside.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_reader.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// Counts, size, digest of the vocabulary, stored checksum; reads no data. "file: item: what".
std::vector<std::string> manifest_faults(const ShardReader& shard, const ShardSummary& promised,
                                         const std::string& vocabulary_sha256);

struct ContentFindings {
  std::vector<std::string> faults;
  std::uint64_t unknown_tokens = 0;
  std::uint64_t single_sentence_documents = 0;
};
// Reads everything: checksum, offsets ascending, ids in range and none special but [UNK]. Without a
// vocabulary (null) ids are not checked.
// Whether the shard has marks of words is not what the manifest says of all.
std::vector<std::string> mark_faults(const ShardReader& shard, bool promised);

ContentFindings check_content(const ShardReader& shard, const Vocabulary* vocabulary);

}  // namespace bertha
