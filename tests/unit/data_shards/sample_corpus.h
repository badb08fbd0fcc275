// Small shards and corpora for the tests of this folder, with known content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_writer.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/error.h"

namespace bertha {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bertha_shards_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// A document is a list of sentences, each a list of ids.
using Sentences = std::vector<std::vector<std::int32_t>>;
using Documents = std::vector<Sentences>;

// [PAD] [UNK] [CLS] [SEP] [MASK] and then w5, w6, ... up to `size` tokens.
Vocabulary numbered_vocabulary(std::int32_t size);

ShardSummary write_shard(const std::filesystem::path& path, const Documents& documents,
                         const Vocabulary& vocabulary);

// A whole corpus folder with one split of several shards (and its tokenizer files).
CorpusManifest write_corpus(const std::filesystem::path& folder,
                            const std::vector<Documents>& train_shards,
                            const Vocabulary& vocabulary);

// What ShardWriter would never write: the three datasets as they are given, four bytes a token
// where `wide`. Attributes and checksum are right.
struct RawShard {
  std::vector<std::uint32_t> tokens;
  std::vector<std::uint64_t> sentence_offsets, document_offsets;
  bool wide = false;
};
ShardSummary write_raw_shard(const std::filesystem::path& path, const RawShard& shard,
                             const Vocabulary& vocabulary);

std::string read_bytes(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, std::string_view bytes);
void replace_in_file(const std::filesystem::path& path, const std::string& from,
                     const std::string& to);

// The Error that `action` throws; fails the test without one.
Error error_of(const std::function<void()>& action);

}  // namespace bertha
