// Sentences of a batch, one after the other.
#include "data_pipeline/prepare/prepare_batch.h"

#include <algorithm>
#include <span>

namespace bertha {

void TokenizedBatch::clear() {
  parts.clear();
  sentences.clear();
  tokens.clear();
  unknown_texts.clear();
  text_bytes = 0;
}

void add_to_batch(const DocumentPart& part, TextBatch& batch) {
  for (std::size_t i = part.begin; i < part.end; ++i) {
    const std::string_view paragraph = part.paragraphs[i];
    batch.paragraphs.add(paragraph);
    batch.text_bytes += paragraph.size();
  }
  batch.parts.push_back({.paragraphs = part.end - part.begin,
                         .already_sentences = part.already_sentences,
                         .ends_document = part.ends_document});
}

void BatchTokenizer::add(const DocumentPart& part, TokenizedBatch& batch) {
  const std::size_t sentences = batch.sentences.size(), tokens = batch.tokens.size();
  const std::size_t unknown_bytes = batch.unknown_texts.size();
  for (std::size_t i = part.begin; i < part.end; ++i) {
    const std::string_view paragraph = part.paragraphs[i];
    batch.text_bytes += paragraph.size();
    if (part.already_sentences) {
      add_sentence(paragraph, batch);
    } else {
      splitter_.split(paragraph, found_);
      for (const std::string_view sentence : found_) add_sentence(sentence, batch);
    }
  }
  batch.parts.push_back({.sentences = batch.sentences.size() - sentences,
                         .tokens = batch.tokens.size() - tokens,
                         .unknown_bytes = batch.unknown_texts.size() - unknown_bytes,
                         .ends_document = part.ends_document});
}

void BatchTokenizer::add(const TextBatch& text, TokenizedBatch& batch) {
  std::size_t begin = 0;
  for (const TextBatch::Part& part : text.parts) {
    add({.paragraphs = text.paragraphs,
         .begin = begin,
         .end = begin + part.paragraphs,
         .already_sentences = part.already_sentences,
         .ends_document = part.ends_document},
        batch);
    begin += part.paragraphs;
  }
}

void BatchTokenizer::add_sentence(std::string_view sentence, TokenizedBatch& batch) {
  const std::size_t before = batch.tokens.size();
  tokenizer_.encode(sentence, batch.tokens, scratch_);
  if (const auto length = batch.tokens.size() - before; length > 0) {
    batch.sentences.push_back(static_cast<std::uint32_t>(length));
  }
  if (!keep_unknown_texts_) return;
  const auto added = std::span(batch.tokens).subspan(before);
  if (std::ranges::find(added, tokenizer_.vocabulary().unknown()) == added.end()) return;
  batch.unknown_texts += sentence;
  batch.unknown_texts += '\n';
}

}  // namespace bertha
