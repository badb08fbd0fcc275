// HDF5 says where the datasets lie; the file is mapped and read in place.
#include "data_pipeline/shards/shard_reader.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "data_pipeline/shards/file_mapping.h"
#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_schema.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace {

constexpr std::uint64_t kLine = 64;  // of a cache
constexpr char kRemedy[] = "restore it from a good copy, or make the corpus anew";

// One dataset within the mapping. Nothing promises that it is aligned.
struct Column {
  const char* data = nullptr;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;

  template <class Stored>
  Stored at(std::uint64_t index) const {
    Stored value;
    std::memcpy(&value, data + index * sizeof(Stored), sizeof value);
    return value;
  }
};

}  // namespace

struct ShardReader::State {
  explicit State(const std::filesystem::path& file_path)
      : path(file_path), file(Hdf5File::open(path)), mapping(path) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, path.string() + ": " + what, kRemedy);
  }
  void check_format() const;
  Column find_column(const std::string& name, std::initializer_list<const char*> types);
  void check_count(const char* attribute, std::uint64_t count) const;
  void check_borders(const char* name, const Column& column, std::uint64_t end) const;
  [[noreturn]] void fail_offset(const char* name, std::uint64_t index, std::uint64_t value,
                                std::uint64_t limit) const;

  std::filesystem::path path;
  Hdf5File file;
  FileMapping mapping;
  Column tokens, sentence_offsets, document_offsets;
  Column words;       // empty: the shard has no marks of words
  bool wide = false;  // uint32 tokens
  std::string vocabulary_sha256, checksum;
};

void ShardReader::State::check_format() const {
  const std::string format = file.text_attribute("format");
  if (format != kShardFormat) fail(fmt::format("format is '{}', not '{}'", format, kShardFormat));
  const std::uint64_t version = file.number_attribute("version");
  if (version != kShardVersion) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: version {} of the shard format; this program reads version {}",
                            path.string(), version, kShardVersion),
                "use the Bertha that made it, or make the corpus anew");
  }
}

Column ShardReader::State::find_column(const std::string& name,
                                       std::initializer_list<const char*> types) {
  const Hdf5Dataset dataset = file.dataset(name);
  bool known = false;
  std::string wanted;
  for (const char* type : types) {
    known = known || dataset.type == type;
    wanted += (wanted.empty() ? "" : " or ") + std::string(type);
  }
  if (!known) fail(fmt::format("dataset {} holds {}, not {}", name, dataset.type, wanted));
  if (dataset.shape.size() != 1) {
    fail(fmt::format("dataset {} has {} dimensions, not one", name, dataset.shape.size()));
  }
  if (dataset.shape[0] == 0) fail(fmt::format("dataset {} is empty", name));
  if (!dataset.contiguous) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: dataset {} is chunked, compressed or not in the file",
                            path.string(), name),
                "rewrite it with `h5repack -f NONE -l CONTI`, or make the corpus anew");
  }
  if (dataset.address > mapping.bytes() || dataset.bytes > mapping.bytes() - dataset.address) {
    fail(fmt::format("dataset {} ends at byte {}, but the file has {}", name,
                     dataset.address + dataset.bytes, mapping.bytes()));
  }
  return {mapping.data() + dataset.address, dataset.shape[0], dataset.bytes};
}

void ShardReader::State::check_count(const char* attribute, std::uint64_t count) const {
  if (const auto stored = file.number_attribute(attribute); stored != count) {
    fail(fmt::format("attribute {} = {}, but the datasets hold {}", attribute, stored, count));
  }
}

void ShardReader::State::check_borders(const char* name, const Column& column,
                                       std::uint64_t end) const {
  const auto first = column.at<std::uint64_t>(0), last = column.at<std::uint64_t>(column.count - 1);
  if (first != 0) fail(fmt::format("{}[0] = {} instead of 0", name, first));
  if (last != end) {
    fail(fmt::format("{}[{}] = {} instead of {}", name, column.count - 1, last, end));
  }
}

void ShardReader::State::fail_offset(const char* name, std::uint64_t index, std::uint64_t value,
                                     std::uint64_t limit) const {
  fail(fmt::format("{}[{}] = {} is beyond the end, {}", name, index, value, limit));
}

ShardReader::ShardReader(const std::filesystem::path& path)
    : state_(std::make_unique<State>(path)) {
  State& state = *state_;
  state.check_format();
  state.tokens = state.find_column(kTokensDataset, {"uint16", "uint32"});
  state.wide = state.tokens.bytes == 4 * state.tokens.count;
  state.sentence_offsets = state.find_column(kSentencesDataset, {"uint64"});
  state.document_offsets = state.find_column(kDocumentsDataset, {"uint64"});
  if (state.file.has(kWordsDataset)) {
    state.words = state.find_column(kWordsDataset, {"uint8"});
    if (const auto bytes = bytes_of_marks(tokens()); state.words.count != bytes) {
      state.fail(fmt::format("dataset {} has {} bytes, not {} for {} tokens", kWordsDataset,
                             state.words.count, bytes, tokens()));
    }
  }
  state.check_count("documents", documents());
  state.check_count("sentences", sentences());
  state.check_count("tokens", tokens());
  state.check_borders(kSentencesDataset, state.sentence_offsets, tokens());
  state.check_borders(kDocumentsDataset, state.document_offsets, sentences());
  state.vocabulary_sha256 = state.file.text_attribute("vocab_sha256");
  state.checksum = state.file.text_attribute("checksum");
  state.file.close();  // the mapping stays
}

ShardReader::~ShardReader() = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;

std::uint64_t ShardReader::documents() const {
  return state_->document_offsets.count - 1;
}
std::uint64_t ShardReader::sentences() const {
  return state_->sentence_offsets.count - 1;
}
std::uint64_t ShardReader::tokens() const {
  return state_->tokens.count;
}
const std::string& ShardReader::vocabulary_sha256() const {
  return state_->vocabulary_sha256;
}
const std::string& ShardReader::checksum() const {
  return state_->checksum;
}
const std::filesystem::path& ShardReader::path() const {
  return state_->path;
}

// Damaged offsets must not become wild reads, so every value is checked where it is used.
std::uint64_t ShardReader::document_begin(std::uint64_t document) const {
  const auto value = state_->document_offsets.at<std::uint64_t>(document);
  if (value > sentences()) state_->fail_offset(kDocumentsDataset, document, value, sentences());
  return value;
}

std::uint64_t ShardReader::sentence_begin(std::uint64_t sentence) const {
  const auto value = state_->sentence_offsets.at<std::uint64_t>(sentence);
  if (value > tokens()) state_->fail_offset(kSentencesDataset, sentence, value, tokens());
  return value;
}

SentenceBorders ShardReader::sentence_borders(std::uint64_t begin, std::uint64_t end) const {
  return {*this, state_->sentence_offsets.data + begin * sizeof(std::uint64_t), begin, end - begin};
}

void ShardReader::prefetch_document(std::uint64_t document) const {
  __builtin_prefetch(state_->document_offsets.data + document * sizeof(std::uint64_t));
}

void ShardReader::prefetch_sentences(std::uint64_t sentence, std::uint64_t lines) const {
  const char* from = state_->sentence_offsets.data + sentence * sizeof(std::uint64_t);
  for (std::uint64_t line = 0; line < lines; ++line) __builtin_prefetch(from + line * kLine);
}

void ShardReader::prefetch_tokens(std::uint64_t begin, std::uint64_t end) const {
  constexpr std::uint64_t kMostLines = 16;  // a cache has few lines on their way
  const std::uint64_t bytes = state_->wide ? 4 : 2;
  if (begin > end || end > tokens()) return;  // an error of copy_tokens()
  const char* from = state_->tokens.data + begin * bytes;
  const auto most = std::min((end - begin) * bytes, kLine * kMostLines);
  for (std::uint64_t at = 0; at < most; at += kLine) __builtin_prefetch(from + at);
}

void ShardReader::expect_tokens(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t bytes = state_->wide ? 4 : 2;
  if (begin > end || end > tokens()) return;
  state_->mapping.expect(state_->tokens.data + begin * bytes, (end - begin) * bytes);
}

void ShardReader::map(bool cached_only, const std::stop_token& stop) const {
  state_->mapping.map(cached_only, stop);
}
void ShardReader::read_tokens_at_random() const {
  state_->mapping.read_at_random(state_->tokens.data, state_->tokens.bytes);
}
std::uint64_t ShardReader::bytes() const {
  return state_->mapping.bytes();
}

void ShardReader::copy_tokens(std::uint64_t begin, std::uint64_t end,
                              std::vector<std::int32_t>& out) const {
  if (begin > end || end > tokens()) {
    state_->fail(fmt::format("no tokens {} to {} among {}", begin, end, tokens()));
  }
  const std::size_t before = out.size();
  out.resize(before + (end - begin));
  std::int32_t* to = out.data() + before;
  if (state_->wide) {
    std::memcpy(to, state_->tokens.data + begin * 4, (end - begin) * 4);
    return;
  }
  const Column part{state_->tokens.data + begin * 2, end - begin, 0};  // known not to change
  for (std::uint64_t i = 0; i < part.count; ++i) to[i] = part.at<std::uint16_t>(i);
}

bool ShardReader::has_word_marks() const {
  return state_->words.count > 0;
}

void ShardReader::copy_word_marks(std::uint64_t begin, std::uint64_t end,
                                  std::vector<std::uint8_t>& out) const {
  if (begin > end || end > tokens() || !has_word_marks()) {
    state_->fail(fmt::format("no marks of tokens {} to {} among {}", begin, end, tokens()));
  }
  const std::size_t before = out.size();
  out.resize(before + (end - begin));
  std::uint8_t* to = out.data() + before;
  const Column part{state_->words.data, end, 0};  // known not to change
  for (std::uint64_t i = begin; i < part.count; ++i) {
    *to++ = part.at<std::uint8_t>(i / 8) >> i % 8 & 1U;
  }
}

bool ShardReader::has_marks_behind_end() const {
  const auto used = tokens() % 8;
  return used != 0 && state_->words.at<std::uint8_t>(state_->words.count - 1) >> used != 0;
}

std::int32_t ShardReader::token(std::uint64_t index) const {
  return state_->wide ? state_->tokens.at<std::int32_t>(index)
                      : state_->tokens.at<std::uint16_t>(index);
}

std::string ShardReader::compute_checksum() const {
  Sha256 hash;
  for (const Column* column :
       {&state_->tokens, &state_->sentence_offsets, &state_->document_offsets, &state_->words}) {
    hash.update(column->data, column->bytes);
  }
  return hash.hex();
}

}  // namespace bertha
