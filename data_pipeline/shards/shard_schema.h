// Names, types and version of the HDF5 shard format (contracts: "Corpus folder").
#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace bertha {

inline constexpr char kShardFormat[] = "bertha-shard";
inline constexpr int kShardVersion = 1;
inline constexpr char kCorpusFormat[] = "bertha-corpus";
inline constexpr int kCorpusVersion = 1;
inline constexpr std::int32_t kLargestUint16Vocabulary = 65536;

inline constexpr char kTokensDataset[] = "tokens";
inline constexpr char kSentencesDataset[] = "sentence_offsets";
inline constexpr char kDocumentsDataset[] = "document_offsets";
// Not in every corpus (prepare.word_boundaries): a bit a token, of each byte the lowest first. Set:
// the token is an ideograph and goes on with the word of the one before it, an ideograph, too.
inline constexpr char kWordsDataset[] = "word_continues";
constexpr std::uint64_t bytes_of_marks(std::uint64_t tokens) {
  return tokens / 8 + (tokens % 8 != 0 ? 1 : 0);
}

// Data goes to and from the file as it lies in memory.
static_assert(std::endian::native == std::endian::little, "shards are little-endian");

// Bytes per token id.
constexpr int token_bytes(std::int32_t vocabulary_size) {
  return vocabulary_size <= kLargestUint16Vocabulary ? 2 : 4;
}

// "train-00003-of-00016.h5"
std::string shard_file_name(const std::string& split, int number, int count);

}  // namespace bertha
