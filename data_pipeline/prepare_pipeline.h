// Units of the input to token ids: some threads read, each a unit at a time; others split sentences
// and tokenize; the caller takes the results of each unit in the order of reading. Memory is
// bounded by the text under way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data_pipeline/prepare_units.h"
#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

struct NumberedUnit {
  std::size_t number;  // in the input's order
  InputUnit unit;
};

// Token ids of some documents; a long document spans several batches.
struct TokenizedBatch {
  struct Part {
    std::size_t sentences = 0, tokens = 0, unknown_bytes = 0;  // of this part
    bool ends_document = false;
  };
  std::size_t unit = 0;  // that all of it belongs to
  std::vector<Part> parts;
  std::vector<std::uint32_t> sentences;  // tokens of each, parts end to end, all over 0
  std::vector<std::int32_t> tokens;
  std::string unknown_texts;      // of the sentences with unknown words, where that is wanted
  std::uint64_t input_bytes = 0;  // read since the unit's batch before
  std::optional<ReadStatistics> unit_read;  // the unit ends with this batch: what was read of it
};

struct PipelineOptions {
  std::string text_field;
  int workers = 1;
  bool keep_unknown_texts = false;
};

class DocumentPipeline {
 public:
  // Begins with the first of `units`. `tokenizer` must outlive the pipeline.
  DocumentPipeline(std::vector<NumberedUnit> units, const WordPiece& tokenizer,
                   const PipelineOptions& options);
  ~DocumentPipeline();  // stops the threads, wherever they are

  // False at the end. Batches of several units come in turns. Throws what a thread threw.
  bool next(TokenizedBatch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
