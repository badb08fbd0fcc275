// Sentences of a batch, one after the other.
#include "data_pipeline/prepare_batch.h"

#include <algorithm>
#include <span>

namespace bertha {

TokenizedBatch BatchTokenizer::run(const TextBatch& text) {
  TokenizedBatch batch;
  batch.unit = text.unit;
  batch.input_bytes = text.input_bytes;
  batch.unit_read = text.unit_read;
  batch.tokens.reserve(text.bytes / 4);
  for (const auto& part : text.parts) {
    const std::size_t sentences = batch.sentences.size(), tokens = batch.tokens.size();
    const std::size_t unknown_bytes = batch.unknown_texts.size();
    for (const std::string& paragraph : part.paragraphs) {
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
  return batch;
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
