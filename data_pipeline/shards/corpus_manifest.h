// manifest.json of a corpus folder: what it holds, and how it was made.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/tokenizer/tokenizer_options.h"

namespace bertha {

struct SplitCounts {
  std::uint64_t documents = 0, sentences = 0, tokens = 0;
  std::vector<ShardSummary> shards;
  bool operator==(const SplitCounts&) const = default;
};

struct CorpusManifest {
  std::string vocabulary_sha256;
  std::int32_t vocabulary_size = 0;
  TokenizerOptions tokenizer;
  bool word_boundaries = false;                     // all shards have marks of words, or none has
  std::map<std::string, SplitCounts> splits;        // "train", "validation"
  std::map<std::string, std::uint64_t> statistics;  // unknown_tokens, replaced_bytes, skipped_*

  std::string to_json() const;
  // Error{bad_data} names the field; a newer version is refused.
  static CorpusManifest from_json(const std::string& text, const std::string& name_for_errors);
  static CorpusManifest from_folder(const std::filesystem::path& corpus);
  std::string digest() const;  // identifies the corpus' content in checkpoints
  bool operator==(const CorpusManifest&) const = default;
};

// Whether the folder's manifest.json says that it is a corpus, of any version and in any state.
bool is_corpus_folder(const std::filesystem::path& folder);

}  // namespace bertha
