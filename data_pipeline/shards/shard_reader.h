// One shard, memory-mapped: HDF5 opens it and finds the addresses, reading is plain memory access.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "data_pipeline/shards/sentence_borders.h"

namespace bertha {

class ShardReader {
 public:
  // Checks format, version, types, shapes and that the file is as long as its datasets say.
  // Error{io}; Error{bad_data} names file, dataset and value.
  explicit ShardReader(const std::filesystem::path& path);
  ~ShardReader();
  ShardReader(ShardReader&&) noexcept;

  std::uint64_t documents() const;
  std::uint64_t sentences() const;
  std::uint64_t tokens() const;
  const std::string& vocabulary_sha256() const;
  const std::string& checksum() const;  // the stored one
  const std::filesystem::path& path() const;

  // Thread-safe. `document` < documents(), `sentence` < sentences().
  std::uint64_t document_begin(std::uint64_t document) const;  // first sentence; may be documents()
  std::uint64_t sentence_begin(std::uint64_t sentence) const;  // first token; may be sentences()
  // Of sentences [begin, end), begin < end <= sentences().
  SentenceBorders sentence_borders(std::uint64_t begin, std::uint64_t end) const;
  // Appends token ids [begin, end) of the shard.
  void copy_tokens(std::uint64_t begin, std::uint64_t end, std::vector<std::int32_t>& out) const;

  // Marks of words, where the shard has them: see shard_schema.h. Appends 0 or 1 for each token.
  bool has_word_marks() const;
  void copy_word_marks(std::uint64_t begin, std::uint64_t end,
                       std::vector<std::uint8_t>& out) const;
  bool has_marks_behind_end() const;              // bits of no token are set
  std::int32_t token(std::uint64_t index) const;  // `index` < tokens()

  // Ask the processor for memory that will be read soon: where a document begins, where sentences
  // do from this one on (eight to a line), and token ids [begin, end), of many for the first.
  void prefetch_document(std::uint64_t document) const;
  void prefetch_sentences(std::uint64_t sentence, std::uint64_t lines) const;
  void prefetch_tokens(std::uint64_t begin, std::uint64_t end) const;

  // See FileMapping.
  void expect_tokens(std::uint64_t begin, std::uint64_t end) const;
  void map(bool cached_only, const std::stop_token& stop) const;
  void read_tokens_at_random() const;
  std::uint64_t bytes() const;

  std::string compute_checksum() const;  // reads everything

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
