// Writes one shard, documents one by one, in bounded memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace bertha {

struct ShardSummary {
  std::string file;  // name within the corpus folder
  std::uint64_t documents = 0, sentences = 0, tokens = 0, bytes = 0;
  std::string checksum;  // SHA-256 over the datasets as stored, in the order of shard_schema.h
  bool operator==(const ShardSummary&) const = default;
};

class ShardWriter {
 public:
  // Sizes are known before writing (the plan of `prepare`), so datasets are contiguous.
  struct Shape {
    std::uint64_t documents, sentences, tokens;  // at least one of each
    std::int32_t vocabulary_size;
    std::string vocabulary_sha256;
    bool has_word_marks = false;
  };
  // Replaces the file and reserves all its space: a full disk shows here. Error{io}.
  ShardWriter(const std::filesystem::path& path, const Shape& shape);
  ~ShardWriter();  // removes an unfinished file

  // Token ids of sentences of the document under way, and the number of tokens of each (all over
  // 0). A document may come in several calls.
  void add_sentences(std::span<const std::int32_t> tokens, std::span<const std::uint32_t> lengths);
  // As they are stored, for vocabularies of at most 65,536.
  void add_sentences(std::span<const std::uint16_t> tokens, std::span<const std::uint32_t> lengths);
  void end_document();
  // Of a shard that has them: 0 or 1 for each token so far, in any pieces; see shard_schema.h.
  void add_word_marks(std::span<const std::uint8_t> marks);
  void add_document(std::span<const std::int32_t> tokens, std::span<const std::uint32_t> lengths) {
    add_sentences(tokens, lengths);
    end_document();
  }
  // Checks that the promised shape was met, writes attributes, closes and flushes to disk.
  ShardSummary finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
