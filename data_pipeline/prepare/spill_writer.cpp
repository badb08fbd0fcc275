// Appends batches to the spill and describes their documents.
#include "data_pipeline/prepare/spill_writer.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

#include "data_pipeline/prepare/prepare_message.h"
#include "data_pipeline/shards/shard_schema.h"

namespace bertha {
namespace {

constexpr std::size_t kIndexBlock = 1 << 16;

DocumentDigest digest_of(const std::string& hexadecimal) {
  constexpr std::size_t kDigits = 16;
  DocumentDigest digest{};
  const char* digits = hexadecimal.data();
  std::from_chars(digits, digits + kDigits, digest[0], 16);
  std::from_chars(digits + kDigits, digits + 2 * kDigits, digest[1], 16);
  return digest;
}

}  // namespace

SpillWriter::SpillWriter(const std::filesystem::path& folder, std::size_t unit,
                         const Vocabulary& vocabulary, bool with_digests)
    : file_(folder, unit),
      token_bytes_(token_bytes(vocabulary.size())),
      with_digests_(with_digests) {}

void SpillWriter::add(const TokenizedBatch& batch) {
  add_tokens(batch.tokens);
  file_.append(SpillStream::sentences, batch.sentences.data(),
               batch.sentences.size() * sizeof(std::uint32_t));
  TokenizedBatch::Part before;  // the sum of the parts so far
  for (const auto& part : batch.parts) {
    if (with_digests_) add_to_digest(batch, before, part);
    before.sentences += part.sentences;
    before.tokens += part.tokens;
    before.unknown_bytes += part.unknown_bytes;
    document_sentences_ += part.sentences;
    document_tokens_ += part.tokens;
    if (part.ends_document) end_document();
  }
}

void SpillWriter::add_to_digest(const TokenizedBatch& batch, const TokenizedBatch::Part& begin,
                                const TokenizedBatch::Part& part) {
  if (!document_hash_) document_hash_.emplace();
  document_hash_->sentences.update(batch.sentences.data() + begin.sentences,
                                   part.sentences * sizeof(std::uint32_t));
  document_hash_->tokens.update(batch.tokens.data() + begin.tokens,
                                part.tokens * sizeof(std::int32_t));
  document_hash_->unknown_texts.update(batch.unknown_texts.data() + begin.unknown_bytes,
                                       part.unknown_bytes);
}

void SpillWriter::add_tokens(const std::vector<std::int32_t>& ids) {
  if (token_bytes_ == 4) {
    return file_.append(SpillStream::tokens, ids.data(), ids.size() * sizeof(std::int32_t));
  }
  constexpr std::size_t kBlock = 4096;
  std::uint16_t narrow[kBlock];
  for (std::span<const std::int32_t> rest = ids; !rest.empty();) {
    const std::size_t count = std::min(rest.size(), kBlock);
    for (std::size_t i = 0; i < count; ++i) narrow[i] = static_cast<std::uint16_t>(rest[i]);
    file_.append(SpillStream::tokens, narrow, count * sizeof(std::uint16_t));
    rest = rest.subspan(count);
  }
}

void SpillWriter::end_document() {
  const auto sentences = std::exchange(document_sentences_, 0);
  const auto tokens = std::exchange(document_tokens_, 0);
  if (tokens == 0) {
    ++report_.documents_without_tokens;
    document_hash_.reset();
    return;
  }
  ++report_.documents;
  put_number(index_, sentences);
  put_number(index_, tokens);
  if (index_.size() >= kIndexBlock) {
    file_.append(SpillStream::documents, index_.data(), index_.size());
    index_.clear();
  }
  if (with_digests_) {
    const DocumentDigest digest =
        digest_of(sha256_hex(document_hash_->sentences.hex() + document_hash_->tokens.hex() +
                             document_hash_->unknown_texts.hex()));
    file_.append(SpillStream::digests, &digest, sizeof digest);
    document_hash_.reset();
  }
}

SpillReport SpillWriter::finish(const ReadStatistics& read) {
  file_.append(SpillStream::documents, index_.data(), index_.size());
  report_.read = read;
  file_.finish(report_.pack());
  return std::move(report_);
}

}  // namespace bertha
