// A folder of foreign shards (foreign_shard.h) as a corpus: its files by split, its rows in blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/shards/corpus.h"
#include "data_pipeline/shards/foreign_shard.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

// Shards in a folder, sorted by name: *.hdf5, *.h5, and HDF5 files without an extension.
std::vector<std::filesystem::path> foreign_files(const std::filesystem::path& folder);
// A folder with such files and no manifest.json, whose first file is no shard of ours.
bool is_foreign_folder(const std::filesystem::path& folder);
// Such a folder, or one such shard; false for a file that cannot be read.
bool is_foreign(const std::filesystem::path& folder_or_shard);
// "validation" for a file with test, eval, validation or the like as a part of its name, such as
// books_test_3.hdf5; else "train".
std::string foreign_split_of(const std::filesystem::path& file);
// The vocabulary given, or vocab.txt of the folder. Error{usage} when there is neither.
Vocabulary foreign_vocabulary(const std::filesystem::path& folder,
                              const std::filesystem::path& given);

class ForeignCorpus {
 public:
  struct Options {
    std::filesystem::path folder;
    std::filesystem::path vocabulary;  // empty: vocab.txt in the folder
    double validation_fraction = 0;  // of the rows, the last ones of every file, held out where no
                                     // file is for validation
    // full: every row is read and checked at once; quick: the first ones of every shard.
    VerifyLevel verify = VerifyLevel::quick;
  };
  // Rows that are read together: [begin, end) of a shard.
  struct Block {
    std::size_t shard;
    std::uint64_t begin, end;
  };

  // `split`: "train" or "validation". Error{io}, Error{bad_data} (also two shards of the same
  // content), Error{usage}. Says what is odd about the rows it reads.
  ForeignCorpus(const Options& options, const std::string& split);
  static bool has_split(const Options& options, const std::string& split);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<ForeignShard>& shards() const { return shards_; }
  const std::vector<Block>& blocks() const { return blocks_; }
  std::uint64_t rows() const { return rows_; }
  // SHA-256 over the vocabulary and the names, sizes, layouts and numbers of rows of the folder's
  // files: what tells one corpus from another without reading it all.
  const std::string& digest() const { return digest_; }

  // Both are thread-safe; of a ForeignBlock rows are checked when they are taken.
  ForeignRows read(std::size_t block) const;
  ForeignBlock load(std::size_t block) const;

 private:
  void add_blocks(std::size_t shard, std::uint64_t begin, std::uint64_t end);
  void check_rows(const Options& options) const;

  Vocabulary vocabulary_;
  std::vector<ForeignShard> shards_;  // of the split
  std::vector<Block> blocks_;
  std::uint64_t rows_ = 0;
  std::string digest_;
};

}  // namespace bertha
