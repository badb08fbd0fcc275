// Goes through a corpus, collecting faults instead of stopping at the first.
#include "data_pipeline/shards/corpus_verifier.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "data_pipeline/shards/corpus_manifest.h"
#include "data_pipeline/shards/shard_checks.h"
#include "data_pipeline/shards/shard_reader.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "data_pipeline/tokenizer/vocabulary.h"
#include "parallel/base/error.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

class Verifier {
 public:
  explicit Verifier(const VerifyProgress& progress) : progress_(progress) {}

  void expect_vocabulary(const fs::path& path) { expected_ = Vocabulary::from_file(path); }
  void check_corpus(const fs::path& folder);
  void check_lone_shard(const fs::path& path);
  VerifyReport take_report() { return std::move(report_); }

 private:
  // What throws becomes a fault. True if nothing did.
  template <class Step>
  bool guarded(Step&& step) {
    try {
      step();
      return true;
    } catch (const Error& error) {
      report_.faults.push_back(error.message());
      return false;
    }
  }
  void fault(std::string text) { report_.faults.push_back(std::move(text)); }
  void add(const std::vector<std::string>& faults) {
    report_.faults.insert(report_.faults.end(), faults.begin(), faults.end());
  }
  void check_expected(const fs::path& path, const std::string& sha256);
  void check_tokenizer(const fs::path& folder, const CorpusManifest& manifest);
  void check_split(const fs::path& folder, const std::string& name, const SplitCounts& split);
  void check_shard(const fs::path& path, const ShardSummary& promised);
  void check_strangers(const fs::path& folder);
  void note_quality();
  void advance(const fs::path& path);

  const VerifyProgress& progress_;
  VerifyReport report_;
  std::string vocabulary_sha256_;  // as the manifest says
  bool has_marks_ = false;         // of words, likewise
  std::optional<Vocabulary> vocabulary_;
  std::optional<Vocabulary> expected_;  // that the user named
  std::map<std::string, std::string> by_checksum_;
  std::set<std::string> listed_;
  std::uint64_t bytes_done_ = 0, bytes_total_ = 0;
  std::uint64_t tokens_ = 0, unknown_ = 0, documents_ = 0, single_sentence_ = 0;
};

std::uint64_t size_or_zero(const fs::path& path) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  return error ? 0 : bytes;
}

std::vector<fs::path> shard_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Verifier::advance(const fs::path& path) {
  bytes_done_ += size_or_zero(path);
  if (progress_) progress_(bytes_done_, bytes_total_);
}

void Verifier::check_expected(const fs::path& path, const std::string& sha256) {
  if (!expected_ || expected_->sha256() == sha256) return;
  fault(fmt::format("{}: made with another vocabulary than the one given ({} tokens)",
                    path.string(), expected_->size()));
}

void Verifier::check_tokenizer(const fs::path& folder, const CorpusManifest& manifest) {
  const fs::path path = folder / "vocab.txt";
  check_expected(folder, manifest.vocabulary_sha256);
  guarded([&] {
    vocabulary_.emplace(Vocabulary::from_file(path));
    if (vocabulary_->size() != manifest.vocabulary_size) {
      fault(fmt::format("{}: {} tokens, manifest: {}", path.string(), vocabulary_->size(),
                        manifest.vocabulary_size));
    }
    if (vocabulary_->sha256() != manifest.vocabulary_sha256) {
      fault(fmt::format("{}: sha256: {}, manifest: {}", path.string(), vocabulary_->sha256(),
                        manifest.vocabulary_sha256));
      vocabulary_.reset();  // ids mean something else
    }
  });
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    if (!fs::exists(folder / name)) fault((folder / name).string() + ": missing");
  }
  guarded([&] {
    if (fs::exists(folder / "tokenizer_config.json") &&
        read_tokenizer_options(folder) != manifest.tokenizer) {
      fault((folder / "tokenizer_config.json").string() + ": other options than the manifest's");
    }
  });
}

void Verifier::check_shard(const fs::path& path, const ShardSummary& promised) {
  guarded([&] {
    const ShardReader shard(path);
    add(manifest_faults(shard, promised, vocabulary_sha256_));
    add(mark_faults(shard, has_marks_));
    const auto content = check_content(shard, vocabulary_ ? &*vocabulary_ : nullptr);
    add(content.faults);
    tokens_ += shard.tokens();
    documents_ += shard.documents();
    unknown_ += content.unknown_tokens;
    single_sentence_ += content.single_sentence_documents;
    const auto [other, is_new] = by_checksum_.try_emplace(shard.checksum(), path.string());
    if (!is_new) fault(fmt::format("{}: the same content as {}", path.string(), other->second));
  });
  advance(path);
}

void Verifier::check_split(const fs::path& folder, const std::string& name,
                           const SplitCounts& split) {
  SplitCounts sum;
  for (const ShardSummary& shard : split.shards) {
    sum.documents += shard.documents;
    sum.sentences += shard.sentences;
    sum.tokens += shard.tokens;
    if (!listed_.insert(shard.file).second) {
      fault(fmt::format("manifest.json: {} is listed twice", shard.file));
    }
    check_shard(folder / shard.file, shard);
  }
  if (sum.documents != split.documents || sum.sentences != split.sentences ||
      sum.tokens != split.tokens) {
    fault(
        fmt::format("manifest.json: splits.{}: {} documents, {} sentences, {} tokens, but its "
                    "shards have {}, {}, {}",
                    name, split.documents, split.sentences, split.tokens, sum.documents,
                    sum.sentences, sum.tokens));
  }
}

void Verifier::check_strangers(const fs::path& folder) {
  for (const auto& path : shard_files(folder)) {
    if (!listed_.contains(path.filename().string())) {
      report_.notices.push_back(path.string() + ": not in the manifest");
    }
  }
}

void Verifier::note_quality() {
  if (unknown_ * 5 > tokens_) {
    report_.notices.push_back(
        fmt::format("{:.0f} % of the tokens are unknown to the vocabulary",
                    100.0 * static_cast<double>(unknown_) / static_cast<double>(tokens_)));
  }
  if (single_sentence_ * 2 > documents_) {
    report_.notices.push_back(fmt::format(
        "{} of {} documents have a single sentence: little to learn from sentence pairs",
        single_sentence_, documents_));
  }
}

void Verifier::check_corpus(const fs::path& folder) {
  const auto files = shard_files(folder);
  for (const auto& path : files) bytes_total_ += size_or_zero(path);
  std::optional<CorpusManifest> manifest;
  if (!guarded([&] { manifest = CorpusManifest::from_folder(folder); })) {
    for (const auto& path : files) check_lone_shard(path);  // what can still be said
    return;
  }
  vocabulary_sha256_ = manifest->vocabulary_sha256;
  has_marks_ = manifest->word_boundaries;
  check_tokenizer(folder, *manifest);
  if (!manifest->splits.contains("train")) fault("manifest.json: splits.train is missing");
  for (const auto& [name, split] : manifest->splits) check_split(folder, name, split);
  check_strangers(folder);
  note_quality();
}

void Verifier::check_lone_shard(const fs::path& path) {
  bytes_total_ = std::max(bytes_total_, size_or_zero(path));
  guarded([&] {
    const ShardReader shard(path);
    check_expected(path, shard.vocabulary_sha256());
    std::optional<Vocabulary> beside;  // the corpus' one, when the shard lies in its folder
    const fs::path file = path.parent_path() / "vocab.txt";
    if (fs::exists(file)) guarded([&] { beside.emplace(Vocabulary::from_file(file)); });
    const Vocabulary* vocabulary = nullptr;
    for (const auto* one : {&beside, &expected_}) {
      if (*one && (*one)->sha256() == shard.vocabulary_sha256()) vocabulary = &**one;
    }
    add(check_content(shard, vocabulary).faults);
    if (vocabulary == nullptr) {
      report_.notices.push_back(path.string() + ": ids not checked, no vocabulary");
    }
  });
  advance(path);
}

}  // namespace

VerifyReport verify_corpus(const fs::path& corpus_or_shard, const VerifyProgress& progress,
                           const fs::path& vocabulary) {
  Verifier verifier(progress);
  if (!vocabulary.empty()) verifier.expect_vocabulary(vocabulary);
  if (fs::is_directory(corpus_or_shard)) {
    verifier.check_corpus(corpus_or_shard);
  } else {
    verifier.check_lone_shard(corpus_or_shard);
  }
  return verifier.take_report();
}

}  // namespace bertha
