// Opens the shards of a split and finds documents among them.
#include "data_pipeline/shards/corpus.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include <fmt/format.h>

#include "data_pipeline/shards/available_memory.h"
#include "data_pipeline/shards/shard_checks.h"
#include "parallel/base/error.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

Vocabulary matching_vocabulary(const fs::path& folder, const CorpusManifest& manifest) {
  const fs::path path = folder / "vocab.txt";
  auto vocabulary = Vocabulary::from_file(path);
  if (vocabulary.sha256() != manifest.vocabulary_sha256 ||
      vocabulary.size() != manifest.vocabulary_size) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{} ({} tokens) is not the vocabulary the corpus was made with ({})",
                            path.string(), vocabulary.size(), manifest.vocabulary_size),
                "restore vocab.txt, or make the corpus anew");
  }
  return vocabulary;
}

void throw_faults(const std::vector<std::string>& faults) {
  if (faults.empty()) return;
  const auto more = faults.size() - 1;
  throw Error(ErrorKind::bad_data,
              faults.front() + (more > 0 ? fmt::format(", and {} more fault(s)", more) : ""),
              kCorpusRemedy);
}

void check_shard(const ShardReader& shard, const ShardSummary& promised,
                 const Vocabulary& vocabulary, VerifyLevel level, bool has_marks) {
  throw_faults(mark_faults(shard, has_marks));
  if (level == VerifyLevel::off) {
    // Without this the ids mean nothing.
    if (shard.vocabulary_sha256() == vocabulary.sha256()) return;
    throw Error(ErrorKind::bad_data,
                shard.path().string() + ": vocab_sha256: made with another vocabulary",
                kCorpusRemedy);
  }
  auto faults = manifest_faults(shard, promised, vocabulary.sha256());
  if (level == VerifyLevel::full) {
    const auto content = check_content(shard, &vocabulary).faults;
    faults.insert(faults.begin(), content.begin(), content.end());
  }
  throw_faults(faults);
}

// A shard that stands for another, as after a copy gone wrong: half the text twice, half missing.
void check_distinct(const fs::path& folder, const std::vector<ShardSummary>& shards) {
  std::map<std::string, std::string> files;  // by checksum
  for (const ShardSummary& shard : shards) {
    const auto [other, is_new] = files.try_emplace(shard.checksum, shard.file);
    if (is_new) continue;
    throw Error(
        ErrorKind::bad_data,
        fmt::format("{}: the same content as {}", (folder / shard.file).string(), other->second),
        "restore the corpus from a good copy; where the text itself repeats, make it anew "
        "with prepare.drop_duplicates");
  }
}

}  // namespace

Corpus::Corpus(const fs::path& folder, const std::string& split, VerifyLevel verify)
    : manifest_(CorpusManifest::from_folder(folder)),
      vocabulary_(matching_vocabulary(folder, manifest_)),
      first_document_{0} {
  const auto found = manifest_.splits.find(split);
  if (found == manifest_.splits.end() || found->second.shards.empty()) {
    throw Error(
        ErrorKind::bad_data, fmt::format("{}: no split '{}'", folder.string(), split),
        "make the corpus with prepare.validation_fraction over 0 to have a validation split");
  }
  for (const ShardSummary& summary : found->second.shards) {
    const auto& shard = shards_.emplace_back(folder / summary.file);
    check_shard(shard, summary, vocabulary_, verify, manifest_.word_boundaries);
    first_document_.push_back(first_document_.back() + shard.documents());
    tokens_ += shard.tokens();
  }
  if (verify != VerifyLevel::off) check_distinct(folder, found->second.shards);
}

Corpus::Place Corpus::find(std::uint64_t document) const {
  if (document >= documents()) {
    throw Error(ErrorKind::internal,
                fmt::format("document {} of a corpus of {}", document, documents()));
  }
  const auto after = std::ranges::upper_bound(first_document_, document);
  const auto shard = static_cast<std::size_t>(after - first_document_.begin()) - 1;
  return {&shards_[shard], document - first_document_[shard]};
}

SentenceBorders Corpus::sentences(std::uint64_t document) const {
  const Place place = find(document);
  const auto begin = place.shard->document_begin(place.document);
  const auto end = place.shard->document_begin(place.document + 1);
  if (end <= begin) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: document {} has no sentences", place.shard->path().string(),
                            place.document),
                kCorpusRemedy);
  }
  return place.shard->sentence_borders(begin, end);
}

std::uint64_t Corpus::sentences_in(std::uint64_t document) const {
  return sentences(document).sentences();
}

void Corpus::sentence_lengths(std::uint64_t document, std::vector<std::uint32_t>& lengths) const {
  const auto borders = sentences(document);
  lengths.clear();
  lengths.reserve(borders.sentences());
  for (std::uint64_t s = 0; s < borders.sentences(); ++s) lengths.push_back(borders.length(s));
}

TokenRange Corpus::tokens_of(std::uint64_t document, std::uint64_t begin, std::uint64_t end) const {
  const auto borders = sentences(document);
  if (begin > end || end > borders.sentences()) {
    throw Error(ErrorKind::internal,
                fmt::format("sentences {} to {} of document {}", begin, end, document));
  }
  const TokenRange range{borders.begin(begin), borders.begin(end)};
  const auto& shard = *find(document).shard;
  if (range.begin > range.end || range.end > shard.tokens()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("{}: sentences {} to {} of document {} are tokens {} to {} of {}",
                            shard.path().string(), begin, end, document, range.begin, range.end,
                            shard.tokens()),
                kCorpusRemedy);
  }
  return range;
}

void Corpus::prefetch_document(std::uint64_t document) const {
  const Place place = find(document);
  place.shard->prefetch_document(place.document);
}

void Corpus::prefetch_sentences(std::uint64_t document, std::uint64_t sentence,
                                std::uint64_t lines) const {
  const Place place = find(document);
  place.shard->prefetch_sentences(place.shard->document_begin(place.document) + sentence, lines);
}

void Corpus::expect_tokens(std::uint64_t document, TokenRange range) const {
  find(document).shard->expect_tokens(range.begin, range.end);
}

void Corpus::map(const std::stop_token& stop) const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard.bytes();
  const bool is_too_large = bytes > available_memory() / 2;
  for (const auto& shard : shards_) {
    if (is_too_large) shard.read_tokens_at_random();
  }
  *is_too_large_ = is_too_large;
  for (const auto& shard : shards_) shard.map(is_too_large, stop);
}

void Corpus::prefetch_tokens(std::uint64_t document, TokenRange range) const {
  find(document).shard->prefetch_tokens(range.begin, range.end);
}

void Corpus::copy_tokens(std::uint64_t document, TokenRange range,
                         std::vector<std::int32_t>& out) const {
  const Place place = find(document);
  const std::size_t before = out.size();
  place.shard->copy_tokens(range.begin, range.end, out);
  // A damaged id must not reach an embedding table. Negative ones are large when unsigned.
  std::uint32_t largest = 0;
  for (std::size_t i = before; i < out.size(); ++i) {
    largest = std::max(largest, static_cast<std::uint32_t>(out[i]));
  }
  if (largest >= static_cast<std::uint32_t>(vocabulary_.size())) {
    throw Error(
        ErrorKind::bad_data,
        fmt::format("{}: tokens: id {} in document {}, but the vocabulary has {}",
                    place.shard->path().string(), largest, place.document, vocabulary_.size()),
        kCorpusRemedy);
  }
}

void Corpus::copy_word_marks(std::uint64_t document, TokenRange range,
                             std::vector<std::uint8_t>& out) const {
  find(document).shard->copy_word_marks(range.begin, range.end, out);
}

std::optional<std::int32_t> Corpus::token_of(std::uint64_t document, std::uint64_t token) const {
  const auto borders = sentences(document);
  if (token < borders.begin(0) || token >= borders.begin(borders.sentences())) return {};
  return find(document).shard->token(token);
}

void Corpus::copy_sentences(std::uint64_t document, std::uint64_t begin, std::uint64_t end,
                            std::vector<std::int32_t>& out) const {
  copy_tokens(document, tokens_of(document, begin, end), out);
}

}  // namespace bertha
