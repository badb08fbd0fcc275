// What a corpus is made of: unknown tokens, and how long sentences and documents are.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "data_pipeline/prepare/prepare_message.h"

namespace bertha {

struct CorpusStatistics {
  // By bit width: bucket n counts lengths from 2^(n-1) to 2^n - 1; the last also all above.
  static constexpr std::size_t kBuckets = 25;
  using Histogram = std::array<std::uint64_t, kBuckets>;

  std::uint64_t unknown_tokens = 0;
  std::uint64_t longest_sentence_tokens = 0;
  Histogram sentence_tokens{};     // sentences by their tokens
  Histogram document_sentences{};  // documents by their sentences

  template <class Token>
  void add_sentences(std::span<const Token> tokens, std::span<const std::uint32_t> lengths,
                     std::int32_t unknown) {
    std::uint32_t found = 0;  // of 32 bits, which vector registers hold many of
    for (const Token token : tokens) found += token == unknown ? 1 : 0;
    unknown_tokens += found;
    add_lengths(lengths);
  }
  void add_document(std::uint64_t sentences);
  void add(const CorpusStatistics& other);
  void add_lengths(std::span<const std::uint32_t> lengths);  // of sentences

  void pack(std::string& bytes) const;
  static CorpusStatistics unpack(MessageReader& message);

  // For the manifest: unknown_tokens, longest_sentence_tokens, sentences_from_00008_tokens (and
  // fewer than twice as many), documents_from_00002_sentences.
  void add_to(std::map<std::string, std::uint64_t>& statistics) const;
};

// "1: 12 %, 2-3: 30 %, ..." for people.
std::string histogram_text(const CorpusStatistics::Histogram& histogram);

}  // namespace bertha
