// One rank's tokenized documents on disk, between reading the input and writing the shards: a file
// of token ids (as wide as in the shards) and one of sentence lengths (uint32), both end to end.
#pragma once

#include <filesystem>
#include <span>

#include "data_pipeline/prepare_pipeline.h"
#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/spill_index.h"
#include "data_pipeline/tokenizer/vocabulary.h"

namespace bertha {

struct SpillPaths {
  std::filesystem::path tokens, sentences;
};
SpillPaths spill_paths(const std::filesystem::path& folder, std::size_t rank);

class SpillWriter {
 public:
  SpillWriter(const SpillPaths& paths, const Vocabulary& vocabulary);

  void add(const TokenizedBatch& batch);
  // Writes what is left and hands over the report.
  SpillReport finish(const ReadTotals& read);

 private:
  void add_tokens(const std::vector<std::int32_t>& ids);
  void end_document(std::size_t file);

  FileDescriptor token_file_, sentence_file_;
  BufferedWriter tokens_, sentences_;
  int token_bytes_;
  std::int32_t unknown_;
  SpillReport report_;
  std::uint64_t document_sentences_ = 0, document_tokens_ = 0;  // of the document under way
};

}  // namespace bertha
