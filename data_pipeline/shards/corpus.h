// A split of a corpus as one numbered list of documents, over all its shards. Thread-safe to read.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/sentence_borders.h"
#include "data_pipeline/shards/shard_reader.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

enum class VerifyLevel { off, quick, full };  // quick: sizes, shapes; full: checksums, ranges

// Tokens [begin, end) of a shard.
struct TokenRange {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const TokenRange&) const = default;
};

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
  // The same, in place.
  SentenceBorders sentences(std::uint64_t document) const;
  // Where the tokens of sentences [begin, end) of the document are in its shard.
  TokenRange tokens_of(std::uint64_t document, std::uint64_t begin, std::uint64_t end) const;
  // Appends such tokens, or a part of them.
  void copy_tokens(std::uint64_t document, TokenRange range, std::vector<std::int32_t>& out) const;
  // Where the corpus has them (prepare.word_boundaries): appends 1 for each such token that goes on
  // with the word of the one before it, 0 for the others.
  bool has_word_marks() const { return manifest_.word_boundaries; }
  void copy_word_marks(std::uint64_t document, TokenRange range,
                       std::vector<std::uint8_t>& out) const;
  // A token of the shard, if it belongs to the document. It may be damaged, and beyond the
  // vocabulary.
  std::optional<std::int32_t> token_of(std::uint64_t document, std::uint64_t token) const;
  // Ask the processor for memory that will be read soon: what sentences() reads; the borders of the
  // sentences from `sentence` of the document on, some eight a line; what copy_tokens() reads, of
  // long ranges the beginning.
  void prefetch_document(std::uint64_t document) const;
  void prefetch_sentences(std::uint64_t document, std::uint64_t sentence,
                          std::uint64_t lines) const;
  void prefetch_tokens(std::uint64_t document, TokenRange range) const;
  // For a thread in the background: reads the corpus in order, if need be, and maps it. One that
  // is too large for that (half of the available memory) is mapped as far as it lies in the page
  // cache; from then on its tokens are read page by page, nothing around them, and for samples
  // known before expect_tokens() begins to.
  void map(const std::stop_token& stop) const;
  bool is_too_large() const { return is_too_large_->load(std::memory_order_relaxed); }
  void expect_tokens(std::uint64_t document, TokenRange range) const;
  // Appends the tokens of sentences [begin, end) of the document.
  void copy_sentences(std::uint64_t document, std::uint64_t begin, std::uint64_t end,
                      std::vector<std::int32_t>& out) const;

 private:
  struct Place {
    const ShardReader* shard;
    std::uint64_t document;  // within the shard
  };
  Place find(std::uint64_t document) const;

  CorpusManifest manifest_;
  Vocabulary vocabulary_;
  std::vector<ShardReader> shards_;
  std::vector<std::uint64_t> first_document_;  // by shard, and the total
  std::uint64_t tokens_ = 0;
  std::unique_ptr<std::atomic<bool>> is_too_large_ = std::make_unique<std::atomic<bool>>(false);
};

}  // namespace bertha
