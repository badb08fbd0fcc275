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

#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

enum class ForeignLayout { padded, variable, packed };
std::string foreign_layout_name(ForeignLayout layout);

// Some rows without their padding: sequences end to end.
struct ForeignRows {
  std::vector<std::size_t> row_offsets{0};  // [rows + 1], into sequences
  // Of each sequence.
  std::vector<std::size_t> token_offsets{0};       // [sequences + 1]
  std::vector<std::size_t> prediction_offsets{0};  // [sequences + 1]
  std::vector<std::int32_t> next_sentence;         // [sequences], 0 or 1: B is random
  // Of all.
  std::vector<std::int32_t> tokens;            // masked already
  std::vector<std::int32_t> segments;          // 0 or 1
  std::vector<std::int32_t> masked_positions;  // within the sequence, ascending
  std::vector<std::int32_t> masked_labels;

  std::size_t rows() const { return row_offsets.size() - 1; }
  std::size_t sequences() const { return next_sentence.size(); }
};

// How many rows to read at a time where so many are stored together: about a million tokens, of
// whole chunks as far as they are that small, so that few are inflated twice.
std::uint64_t best_rows_at_once(std::uint64_t chunk_rows, std::uint64_t row_tokens);

class ForeignShard {
 public:
  // Looks at types and shapes. Error{io}; Error{bad_data} names file and dataset.
  explicit ForeignShard(const std::filesystem::path& path);
  ~ForeignShard();
  ForeignShard(ForeignShard&&) noexcept;

  const std::filesystem::path& path() const;
  ForeignLayout layout() const;
  std::uint64_t rows() const;
  std::uint64_t width() const;             // of a padded row, in tokens; else 0
  std::uint64_t most_predictions() const;  // that a padded row has room for; else 0
  std::uint64_t bytes() const;             // of the file
  std::uint64_t rows_at_once() const;      // best read together: see best_rows_at_once

  // Reads and checks rows [begin, end): ids within the vocabulary, [CLS] first and [SEP] last (both
  // only with a vocabulary),
  // positions within the sequence and ascending, labels 0 or 1. Thread-safe; opens the file anew,
  // so that thousands of shards need no handles. Error{bad_data} names file, dataset, row and
  // value.
  ForeignRows read(std::uint64_t begin, std::uint64_t end, const Vocabulary* vocabulary) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether the file has the datasets of such a shard (whatever else may be wrong with it).
bool is_foreign_shard(const std::filesystem::path& path);

}  // namespace bertha
