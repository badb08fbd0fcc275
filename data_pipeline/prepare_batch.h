// Some paragraphs to token ids: the work of one thread of `prepare`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/prepare_pipeline.h"
#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/sentence_splitter.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

// Text of some documents of a unit; a long document spans several.
struct TextBatch {
  struct Part {
    bool already_sentences = false, ends_document = false;
    std::vector<std::string> paragraphs;
  };
  std::size_t unit = 0;
  std::vector<Part> parts;
  std::size_t bytes = 0;
  std::uint64_t input_bytes = 0;
  std::optional<ReadStatistics> unit_read;
};

// Owns what threads must not share.
class BatchTokenizer {
 public:
  BatchTokenizer(const WordPiece& tokenizer, bool keep_unknown_texts)
      : tokenizer_(tokenizer), keep_unknown_texts_(keep_unknown_texts) {}

  TokenizedBatch run(const TextBatch& text);

 private:
  void add_sentence(std::string_view sentence, TokenizedBatch& batch);

  const WordPiece& tokenizer_;
  const bool keep_unknown_texts_;
  WordPiece::Scratch scratch_;
  SentenceSplitter splitter_;
  std::vector<std::string_view> found_;
};

}  // namespace bertha
