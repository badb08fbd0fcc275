// A shard of ready training samples, as NVIDIA's DeepLearningExamples and MLPerf submissions write
// them: HDF5 files that say by their datasets which of three layouts they have.
//   padded     rows of one width; input_mask marks what is real, and the first 0 among
//              masked_lm_positions ends the list (position 0 is [CLS], which is never masked)
//   variable   rows of variable length, no input_mask
//   packed     the same, several sequences in a row, whose lengths packed_input_len has
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/shards/foreign_block.h"

namespace bertha {

std::string foreign_layout_name(ForeignLayout layout);

// How many rows to read at a time where so many are stored together: about a million tokens, of
// whole chunks as far as they are that small, so that few are inflated twice.
std::uint64_t best_rows_at_once(std::uint64_t chunk_rows, std::uint64_t row_tokens);

class ForeignShard {
 public:
  static constexpr std::size_t kMostPlaceBytes = std::size_t{16} << 20;
  // Looks at types and shapes. Keeps where chunks lie in `most_place_bytes`, of some 50 kB each as
  // h5py cuts them 32 bytes. Error{io}; Error{bad_data} names file and dataset.
  explicit ForeignShard(const std::filesystem::path& path,
                        std::size_t most_place_bytes = kMostPlaceBytes);
  ~ForeignShard();
  ForeignShard(ForeignShard&&) noexcept;

  const std::filesystem::path& path() const;
  ForeignLayout layout() const;
  std::uint64_t rows() const;
  std::uint64_t width() const;             // of a padded row, in tokens; else 0
  std::uint64_t most_predictions() const;  // that a padded row has room for; else 0
  std::uint64_t bytes() const;             // of the file
  std::uint64_t rows_at_once() const;      // best read together: see best_rows_at_once

  // Reads rows [begin, end), which are checked when they are appended: ids within the vocabulary,
  // [CLS] first and [SEP] last (both only with a vocabulary), positions within the sequence and
  // ascending, labels 0 or 1. Thread-safe; opens the file anew, so that thousands of shards need no
  // handles. The vocabulary outlives the block. Error{bad_data} names file, dataset, row and value.
  ForeignBlock load(std::uint64_t begin, std::uint64_t end, const Vocabulary* vocabulary) const;
  // The same, all of them checked at once.
  ForeignRows read(std::uint64_t begin, std::uint64_t end, const Vocabulary* vocabulary) const;

  // How often HDF5 opened the file to ask where chunks lie.
  std::uint64_t times_looked_up() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether the file has the datasets of such a shard (whatever else may be wrong with it).
bool is_foreign_shard(const std::filesystem::path& path);

}  // namespace bertha
