// Writes the samples.
#include "sample_corpus.h"

#include <iterator>

#include <gtest/gtest.h>

#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/shard_schema.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/sha256.h"

namespace bertha {

Vocabulary numbered_vocabulary(std::int32_t size) {
  std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (std::int32_t id = 5; id < size; ++id) text += "w" + std::to_string(id) + "\n";
  return Vocabulary::from_text(text, "vocab.txt");
}

ShardSummary write_shard(const std::filesystem::path& path, const Documents& documents,
                         const Vocabulary& vocabulary) {
  ShardWriter::Shape shape{.documents = documents.size(),
                           .sentences = 0,
                           .tokens = 0,
                           .vocabulary_size = vocabulary.size(),
                           .vocabulary_sha256 = vocabulary.sha256()};
  for (const Sentences& document : documents) {
    shape.sentences += document.size();
    for (const auto& sentence : document) shape.tokens += sentence.size();
  }
  ShardWriter writer(path, shape);
  for (const Sentences& document : documents) {
    std::vector<std::int32_t> tokens;
    std::vector<std::uint32_t> lengths;
    for (const auto& sentence : document) {
      tokens.insert(tokens.end(), sentence.begin(), sentence.end());
      lengths.push_back(static_cast<std::uint32_t>(sentence.size()));
    }
    writer.add_document(tokens, lengths);
  }
  return writer.finish();
}

CorpusManifest write_corpus(const std::filesystem::path& folder,
                            const std::vector<Documents>& train_shards,
                            const Vocabulary& vocabulary) {
  std::filesystem::create_directories(folder);
  CorpusManifest manifest{.vocabulary_sha256 = vocabulary.sha256(),
                          .vocabulary_size = vocabulary.size(),
                          .tokenizer = {},
                          .splits = {},
                          .statistics = {{"unknown_tokens", 7}}};
  SplitCounts& train = manifest.splits["train"];
  for (std::size_t i = 0; i < train_shards.size(); ++i) {
    const auto name =
        shard_file_name("train", static_cast<int>(i), static_cast<int>(train_shards.size()));
    train.shards.push_back(write_shard(folder / name, train_shards[i], vocabulary));
    train.documents += train.shards.back().documents;
    train.sentences += train.shards.back().sentences;
    train.tokens += train.shards.back().tokens;
  }
  write_tokenizer_files(folder, vocabulary, manifest.tokenizer, 512);
  write_bytes(folder / "manifest.json", manifest.to_json());
  return manifest;
}

namespace {

template <class Number>
std::string little_endian(const std::vector<Number>& values, std::size_t bytes) {
  std::string out;
  for (const auto value : values) {
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  }
  return out;
}

}  // namespace

ShardSummary write_raw_shard(const std::filesystem::path& path, const RawShard& shard,
                             const Vocabulary& vocabulary) {
  const int width = shard.wide ? 4 : 2;
  const std::string data[] = {little_endian(shard.tokens, static_cast<std::size_t>(width)),
                              little_endian(shard.sentence_offsets, 8),
                              little_endian(shard.document_offsets, 8)};
  ShardSummary summary{.file = path.filename().string(),
                       .documents = shard.document_offsets.size() - 1,
                       .sentences = shard.sentence_offsets.size() - 1,
                       .tokens = shard.tokens.size(),
                       .bytes = 0,
                       .checksum = sha256_hex(data[0] + data[1] + data[2])};
  auto file = Hdf5File::create(path);
  const std::uint64_t addresses[] = {file.add_dataset(kTokensDataset, width, summary.tokens),
                                     file.add_dataset(kSentencesDataset, 8, summary.sentences + 1),
                                     file.add_dataset(kDocumentsDataset, 8, summary.documents + 1)};
  file.close();
  std::fstream out(path, std::ios::in | std::ios::out | std::ios::binary);
  for (std::size_t i = 0; i < 3; ++i) {
    out.seekp(static_cast<std::streamoff>(addresses[i])) << data[i];
  }
  out.close();
  file = Hdf5File::open_for_writing(path);
  file.add_attribute("format", std::string_view(kShardFormat));
  file.add_attribute("version", std::uint64_t{kShardVersion});
  file.add_attribute("vocab_sha256", vocabulary.sha256());
  file.add_attribute("documents", summary.documents);
  file.add_attribute("sentences", summary.sentences);
  file.add_attribute("tokens", summary.tokens);
  file.add_attribute("checksum", summary.checksum);
  file.close();
  summary.bytes = std::filesystem::file_size(path);
  return summary;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void replace_in_file(const std::filesystem::path& path, const std::string& from,
                     const std::string& to) {
  std::string bytes = read_bytes(path);
  const auto at = bytes.find(from);
  ASSERT_NE(at, bytes.npos) << path << " does not hold " << from;
  write_bytes(path, bytes.replace(at, from.size(), to));
}

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::internal, "no error");
}

}  // namespace bertha
