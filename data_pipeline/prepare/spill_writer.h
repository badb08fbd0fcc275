// The tokenized documents of one unit on disk, between reading the input and writing the shards.
#pragma once

#include <filesystem>
#include <optional>

#include "data_pipeline/prepare/prepare_batch.h"
#include "data_pipeline/prepare/spill_file.h"
#include "data_pipeline/prepare/spill_index.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/sha256.h"

namespace bertha {

class SpillWriter {
 public:
  SpillWriter(const std::filesystem::path& folder, std::size_t unit, const Vocabulary& vocabulary,
              bool with_digests);

  void add(const TokenizedBatch& batch);
  // Writes what is left, and the report; then the unit counts as done.
  SpillReport finish(const ReadStatistics& read);

 private:
  // What a document holds, in streams of their own: where a document is cut into batches leaves no
  // trace in them.
  struct DocumentHash {
    Sha256 sentences, tokens, unknown_texts;
  };
  void add_tokens(const std::vector<std::int32_t>& ids);
  void add_to_digest(const TokenizedBatch& batch, const TokenizedBatch::Part& begin,
                     const TokenizedBatch::Part& part);
  void end_document();

  SpillFileWriter file_;
  int token_bytes_;
  SpillReport report_;
  std::string index_;                                           // of documents, not yet written
  std::uint64_t document_sentences_ = 0, document_tokens_ = 0;  // of the document under way
  std::optional<DocumentHash> document_hash_;
  bool with_digests_;
};

}  // namespace bertha
