// Documents, or parts of them, to token ids: what the threads of `prepare` do with text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/sentence_splitter.h"
#include "data_pipeline/tokenizer/wordpiece.h"

namespace bertha {

// Token ids of some documents; a long document spans several batches.
struct TokenizedBatch {
  struct Part {
    std::size_t sentences = 0, tokens = 0, unknown_bytes = 0;  // of this part
    bool ends_document = false;
  };
  std::vector<Part> parts;
  std::vector<std::uint32_t> sentences;  // tokens of each, parts end to end, all over 0
  std::vector<std::int32_t> tokens;
  std::string unknown_texts;   // of the sentences with unknown words, where that is wanted
  std::size_t text_bytes = 0;  // that it was made of

  void clear();  // keeps its memory
};

// Text of some documents, to be handed to another thread.
struct TextBatch {
  struct Part {
    std::size_t paragraphs = 0;  // of this part
    bool already_sentences = false, ends_document = false;
  };
  std::vector<Part> parts;
  Paragraphs paragraphs;  // parts end to end
  std::size_t text_bytes = 0;
};

// Some paragraphs of a document.
struct DocumentPart {
  const Paragraphs& paragraphs;
  std::size_t begin, end;  // of them
  bool already_sentences, ends_document;
};

void add_to_batch(const DocumentPart& part, TextBatch& batch);

// Owns what threads must not share.
class BatchTokenizer {
 public:
  BatchTokenizer(const WordPiece& tokenizer, bool keep_unknown_texts)
      : tokenizer_(tokenizer), keep_unknown_texts_(keep_unknown_texts) {}

  void add(const DocumentPart& part, TokenizedBatch& batch);
  void add(const TextBatch& text, TokenizedBatch& batch);

 private:
  void add_sentence(std::string_view sentence, TokenizedBatch& batch);

  const WordPiece& tokenizer_;
  const bool keep_unknown_texts_;
  WordPiece::Scratch scratch_;
  SentenceSplitter splitter_;
  std::vector<std::string_view> found_;
};

}  // namespace bertha
