// Documents of several files to token ids: one thread reads, others split sentences and tokenize,
// the caller takes the results in the order of reading. Memory is bounded by the text under way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct NumberedFile {
  std::size_t number;  // in the input's order
  InputFile file;
};

// Token ids of some documents; a long document spans several batches.
struct TokenizedBatch {
  struct Part {
    std::size_t file;
    std::size_t sentences, tokens;  // of this part
    bool ends_document;
  };
  std::vector<Part> parts;
  std::vector<std::uint32_t> sentences;  // tokens of each, parts end to end, all over 0
  std::vector<std::int32_t> tokens;
  std::uint64_t input_bytes = 0;  // of all files, read up to the end of this batch
};

// What was read, with the first malformed record's file for choosing among ranks.
struct ReadTotals {
  ReadStatistics statistics;
  std::uint64_t first_malformed_file = UINT64_MAX;
};

class DocumentPipeline {
 public:
  // `tokenizer` must outlive the pipeline.
  DocumentPipeline(std::vector<NumberedFile> files, const std::string& text_field,
                   const WordPiece& tokenizer, int workers);
  ~DocumentPipeline();  // stops the threads, wherever they are

  // False at the end. Throws what a thread threw.
  bool next(TokenizedBatch& batch);
  const ReadTotals& totals() const;  // complete when next() has returned false

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
