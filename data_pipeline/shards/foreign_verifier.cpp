// Reads every row of every shard.
#include "data_pipeline/shards/foreign_verifier.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "data_pipeline/shards/foreign_corpus.h"
#include "data_pipeline/shards/foreign_rates.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

class ForeignVerifier {
 public:
  ForeignVerifier(const fs::path& path, const fs::path& vocabulary, const VerifyProgress& progress)
      : path_(path), progress_(progress) {
    const auto folder = fs::is_directory(path) ? path : path.parent_path();
    if (!vocabulary.empty() || fs::exists(folder / "vocab.txt")) {
      vocabulary_.emplace(foreign_vocabulary(folder, vocabulary));
      rates_ = ForeignFileRates(path.string(), &*vocabulary_);
    }
  }

  VerifyReport run() {
    const auto files = fs::is_directory(path_) ? foreign_files(path_) : std::vector{path_};
    for (const auto& file : files) bytes_total_ += fs::file_size(file);
    for (const auto& file : files) {
      try {
        check_shard(file);
      } catch (const Error& error) {
        report_.faults.push_back(error.message());
      }
      bytes_done_ += fs::file_size(file);
      if (progress_) progress_(bytes_done_, bytes_total_);
    }
    judge_rates();
    return std::move(report_);
  }

 private:
  void check_shard(const fs::path& file);
  void judge_rates();
  const Vocabulary* vocabulary() const { return vocabulary_ ? &*vocabulary_ : nullptr; }

  fs::path path_;
  const VerifyProgress& progress_;
  std::optional<Vocabulary> vocabulary_;
  VerifyReport report_;
  ForeignFileRates rates_{path_.string(), nullptr};
  std::map<std::string, std::string> by_digest_;
  std::uint64_t bytes_done_ = 0, bytes_total_ = 0;
};

void ForeignVerifier::check_shard(const fs::path& file) {
  const ForeignShard shard(file);
  const auto step = shard.rows_at_once();
  Sha256 hash;
  ForeignRates rates(vocabulary());
  for (std::uint64_t begin = 0; begin < shard.rows(); begin += step) {
    const auto rows = shard.read(begin, std::min(shard.rows(), begin + step), vocabulary());
    hash_rows(rows, hash);
    rates.add(rows);
  }
  rates_.add(file.string(), rates);
  const auto [other, is_new] = by_digest_.try_emplace(hash.hex(), file.string());
  if (!is_new) {
    report_.faults.push_back(
        fmt::format("{}: the same content as {}", file.string(), other->second));
  }
}

void ForeignVerifier::judge_rates() {
  if (!vocabulary_) {
    report_.notices.push_back(path_.string() +
                              ": ids not checked, no vocabulary: name it with --tokenizer.vocab");
  }
  for (const auto& [text, is_fault] : rates_.oddities()) {
    (is_fault ? report_.faults : report_.notices).push_back(text);
  }
}

}  // namespace

VerifyReport verify_foreign(const fs::path& folder_or_shard, const fs::path& vocabulary,
                            const VerifyProgress& progress) {
  return ForeignVerifier(folder_or_shard, vocabulary, progress).run();
}

}  // namespace bertha
