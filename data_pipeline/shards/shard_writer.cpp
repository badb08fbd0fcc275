// HDF5 lays out the file; the data goes straight to the addresses it names; HDF5 adds attributes.
//
// In this order a full disk shows while nothing of ours depends on the library, which neither
// reports it well nor survives it: the space is reserved before the data is written, and a little
// more than needed, for the attributes. Closing the file cuts what was too much.
#include "data_pipeline/shards/shard_writer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "data_pipeline/shards/buffered_writer.h"
#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_schema.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMetadataBytes = 1 << 16;  // more than HDF5 needs for a few attributes

struct Addresses {
  std::uint64_t tokens, sentences, documents, words;
};

// Space for HDF5's own bytes, so that it does not meet a full disk.
void check_space(const fs::path& path) {
  const auto file = open_file(path, O_RDWR | O_CREAT | O_TRUNC);
  reserve_space(file.get(), path.string(), kMetadataBytes);
}

Addresses lay_out(const fs::path& path, const ShardWriter::Shape& shape) {
  check_space(path);
  auto file = Hdf5File::create(path);
  const Addresses addresses{
      .tokens = file.add_dataset(kTokensDataset, token_bytes(shape.vocabulary_size), shape.tokens),
      .sentences = file.add_dataset(kSentencesDataset, 8, shape.sentences + 1),
      .documents = file.add_dataset(kDocumentsDataset, 8, shape.documents + 1),
      .words = shape.has_word_marks
                   ? file.add_dataset(kWordsDataset, 1, bytes_of_marks(shape.tokens))
                   : 0};
  file.close();
  return addresses;
}

}  // namespace

struct ShardWriter::State {
  State(const fs::path& file_path, const Shape& promised)
      : path(file_path),
        shape(promised),
        addresses(lay_out(path, shape)),
        file(open_file(path, O_RDWR)),
        tokens(file.get(), path.string(), addresses.tokens),
        sentences(file.get(), path.string(), addresses.sentences),
        documents(file.get(), path.string(), addresses.documents) {
    reserve_space(file.get(), path.string(), fs::file_size(path) + kMetadataBytes);
    if (shape.has_word_marks) words.emplace(file.get(), path.string(), addresses.words);
  }

  void add_offset(BufferedWriter& writer, std::uint64_t offset) {
    writer.append(&offset, sizeof offset);
  }
  template <class Token>
  void add_sentences(std::span<const Token> ids, std::span<const std::uint32_t> lengths);
  template <class Stored, class Token>
  void add_tokens(std::span<const Token> ids);
  void add_mark(std::uint8_t mark);
  void finish_words();
  void hash_stored(std::uint64_t address, std::uint64_t bytes);

  fs::path path;
  Shape shape;
  Addresses addresses;
  FileDescriptor file;
  BufferedWriter tokens, sentences, documents;
  std::optional<BufferedWriter> words;
  std::uint64_t mark_count = 0;
  std::uint8_t open_marks = 0;  // of the byte under way
  std::uint64_t token_count = 0, sentence_count = 0, document_count = 0;
  std::uint64_t document_begin = 0;  // sentences before the document under way
  Sha256 hash;
  bool finished = false;
};

template <class Stored, class Token>
void ShardWriter::State::add_tokens(std::span<const Token> ids) {
  constexpr std::size_t kBlock = 4096;
  [[maybe_unused]] Stored block[kBlock];
  while (!ids.empty()) {
    const std::size_t count = std::min(ids.size(), kBlock);
    using Unsigned = std::make_unsigned_t<Token>;  // negative ones are large when unsigned
    Unsigned largest = 0;
    for (const Token id : ids.first(count)) largest = std::max(largest, static_cast<Unsigned>(id));
    if (largest >= static_cast<std::uint32_t>(shape.vocabulary_size)) {
      throw Error(ErrorKind::internal,
                  fmt::format("{}: token id {} in a vocabulary of {}", path.string(),
                              static_cast<std::int32_t>(largest), shape.vocabulary_size));
    }
    const void* stored = ids.data();
    if constexpr (sizeof(Stored) != sizeof(Token)) {
      for (std::size_t i = 0; i < count; ++i) block[i] = static_cast<Stored>(ids[i]);
      stored = block;
    }
    tokens.append(stored, count * sizeof(Stored));
    hash.update(stored, count * sizeof(Stored));
    ids = ids.subspan(count);
  }
}

void ShardWriter::State::hash_stored(std::uint64_t address, std::uint64_t bytes) {
  std::vector<char> block(std::min<std::uint64_t>(bytes, 1 << 18));
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, block.size()));
    read_at(file.get(), path.string(), address, block.data(), part);
    hash.update(block.data(), part);
    address += part;
    bytes -= part;
  }
}

void ShardWriter::State::add_mark(std::uint8_t mark) {
  open_marks = static_cast<std::uint8_t>(open_marks | mark << mark_count % 8);
  if (++mark_count % 8 != 0) return;
  words->append(&open_marks, 1);
  open_marks = 0;
}

void ShardWriter::State::finish_words() {
  if (mark_count != shape.tokens) {
    throw Error(ErrorKind::internal, fmt::format("{}: {} marks of words for {} tokens",
                                                 path.string(), mark_count, shape.tokens));
  }
  if (mark_count % 8 != 0) words->append(&open_marks, 1);
  words->flush();
}

ShardWriter::ShardWriter(const fs::path& path, const Shape& shape) {
  if (shape.documents == 0 || shape.sentences == 0 || shape.tokens == 0) {
    throw Error(ErrorKind::internal, path.string() + ": a shard without text");
  }
  try {
    state_ = std::make_unique<State>(path, shape);
    state_->add_offset(state_->sentences, 0);
    state_->add_offset(state_->documents, 0);
  } catch (...) {
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) fs::remove(path, ignored);
    throw;
  }
}

ShardWriter::~ShardWriter() {
  std::error_code ignored;
  if (!state_->finished) fs::remove(state_->path, ignored);
}

template <class Token>
void ShardWriter::State::add_sentences(std::span<const Token> ids,
                                       std::span<const std::uint32_t> lengths) {
  std::uint64_t sum = 0;
  for (const std::uint32_t length : lengths) sum += length;
  if (lengths.empty() || sum != ids.size() || std::ranges::count(lengths, 0U) != 0 ||
      document_count == shape.documents || sentence_count + lengths.size() > shape.sentences ||
      token_count + ids.size() > shape.tokens) {
    throw Error(ErrorKind::internal,
                fmt::format("{}: document {}: {} sentences, {} tokens do not fit the plan",
                            path.string(), document_count, lengths.size(), ids.size()));
  }
  if (token_bytes(shape.vocabulary_size) == 2) {
    add_tokens<std::uint16_t>(ids);
  } else {
    add_tokens<std::uint32_t>(ids);
  }
  for (const std::uint32_t length : lengths) add_offset(sentences, token_count += length);
  sentence_count += lengths.size();
}

void ShardWriter::add_sentences(std::span<const std::int32_t> tokens,
                                std::span<const std::uint32_t> lengths) {
  state_->add_sentences(tokens, lengths);
}

void ShardWriter::add_sentences(std::span<const std::uint16_t> tokens,
                                std::span<const std::uint32_t> lengths) {
  state_->add_sentences(tokens, lengths);
}

void ShardWriter::add_word_marks(std::span<const std::uint8_t> marks) {
  auto& state = *state_;
  if (!state.words || marks.size() > state.token_count - state.mark_count) {
    throw Error(ErrorKind::internal,
                state.path.string() + ": marks of words that it does not have");
  }
  for (const std::uint8_t mark : marks) state.add_mark(mark);
}

void ShardWriter::end_document() {
  auto& state = *state_;
  if (state.sentence_count == state.document_begin) {
    throw Error(ErrorKind::internal, state.path.string() + ": a document without sentences");
  }
  state.document_begin = state.sentence_count;
  state.add_offset(state.documents, state.sentence_count);
  ++state.document_count;
}

ShardSummary ShardWriter::finish() {
  auto& state = *state_;
  const Shape& shape = state.shape;
  if (state.document_count != shape.documents || state.sentence_count != shape.sentences ||
      state.token_count != shape.tokens) {
    throw Error(ErrorKind::internal, state.path.string() + ": fewer documents than planned");
  }
  for (BufferedWriter* writer : {&state.tokens, &state.sentences, &state.documents}) {
    writer->flush();
  }
  if (state.words) state.finish_words();
  state.hash_stored(state.addresses.sentences, (shape.sentences + 1) * sizeof(std::uint64_t));
  state.hash_stored(state.addresses.documents, (shape.documents + 1) * sizeof(std::uint64_t));
  if (state.words) state.hash_stored(state.addresses.words, bytes_of_marks(shape.tokens));
  ShardSummary summary{.file = state.path.filename().string(),
                       .documents = shape.documents,
                       .sentences = shape.sentences,
                       .tokens = shape.tokens,
                       .bytes = 0,
                       .checksum = state.hash.hex()};
  auto file = Hdf5File::open_for_writing(state.path);
  file.add_attribute("format", std::string_view(kShardFormat));
  file.add_attribute("version", std::uint64_t{kShardVersion});
  file.add_attribute("vocab_sha256", shape.vocabulary_sha256);
  file.add_attribute("documents", shape.documents);
  file.add_attribute("sentences", shape.sentences);
  file.add_attribute("tokens", shape.tokens);
  file.add_attribute("checksum", summary.checksum);
  file.close();
  flush_to_disk(state.path);
  summary.bytes = fs::file_size(state.path);
  state.finished = true;
  return summary;
}

}  // namespace bertha
