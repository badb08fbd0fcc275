// A split of a corpus as one numbered list of documents, over all its shards. Thread-safe to read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_reader.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

enum class VerifyLevel { off, quick, full };  // quick: sizes and shapes; full: checksums, ranges

class Corpus {
 public:
  // Error{io}, Error{bad_data}: missing shard, wrong size, vocabulary that does not match.
  Corpus(const std::filesystem::path& folder, const std::string& split, VerifyLevel verify);

  const CorpusManifest& manifest() const { return manifest_; }
  const Vocabulary& vocabulary() const { return vocabulary_; }
  std::uint64_t documents() const { return first_document_.back(); }
  std::uint64_t tokens() const { return tokens_; }

  std::uint64_t sentences_in(std::uint64_t document) const;
  // Number of tokens of each sentence of the document; `lengths` is overwritten.
  void sentence_lengths(std::uint64_t document, std::vector<std::uint32_t>& lengths) const;
  // Number of tokens of sentences [begin, end) of the document.
  std::uint64_t tokens_in(std::uint64_t document, std::uint64_t begin, std::uint64_t end) const;
  // Where the sentence ends with which those from `begin` on have `tokens`, at the latest at `end`.
  std::uint64_t sentences_reaching(std::uint64_t document, std::uint64_t begin, std::uint64_t end,
                                   std::uint64_t tokens) const;
  // Appends the tokens of sentences [begin, end) of the document.
  void copy_sentences(std::uint64_t document, std::uint64_t begin, std::uint64_t end,
                      std::vector<std::int32_t>& out) const;

 private:
  struct Place {
    const ShardReader* shard;
    std::uint64_t document;  // within the shard
  };
  Place find(std::uint64_t document) const;
  // The first sentence of the document in its shard; that it has those up to `end` is checked.
  std::uint64_t first_sentence(const Place& place, std::uint64_t begin, std::uint64_t end) const;

  CorpusManifest manifest_;
  Vocabulary vocabulary_;
  std::vector<ShardReader> shards_;
  std::vector<std::uint64_t> first_document_;  // by shard, and the total
  std::uint64_t tokens_ = 0;
};

}  // namespace bertha
