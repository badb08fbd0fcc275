// Reads every row of every shard.
#include "data_pipeline/shards/foreign_verifier.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "data_pipeline/shards/foreign_corpus.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kRowsAtOnce = 8192;
constexpr std::uint64_t kEnough = 200;  // sequences or predictions that rates are worth looking at
constexpr std::uint64_t kManySpecial = 100;  // one in so many predictions

struct Counts {
  std::uint64_t sequences = 0, tokens = 0, random = 0, predictions = 0, masks = 0, special = 0;
};

class ForeignVerifier {
 public:
  ForeignVerifier(const fs::path& path, const fs::path& vocabulary, const VerifyProgress& progress)
      : path_(path), progress_(progress) {
    const auto folder = fs::is_directory(path) ? path : path.parent_path();
    if (!vocabulary.empty() || fs::exists(folder / "vocab.txt")) {
      vocabulary_.emplace(foreign_vocabulary(folder, vocabulary));
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
    note_rates();
    return std::move(report_);
  }

 private:
  void check_shard(const fs::path& file);
  void count(const ForeignRows& rows);
  void note_rates();
  void note(std::string text) { report_.notices.push_back(path_.string() + ": " + text); }

  fs::path path_;
  const VerifyProgress& progress_;
  std::optional<Vocabulary> vocabulary_;
  VerifyReport report_;
  Counts counts_;
  std::map<std::string, std::string> by_digest_;
  std::uint64_t bytes_done_ = 0, bytes_total_ = 0;
};

template <class Value>
void hash_values(Sha256& hash, const std::vector<Value>& values) {
  hash.update(values.data(), values.size() * sizeof(Value));
}

void ForeignVerifier::check_shard(const fs::path& file) {
  const ForeignShard shard(file);
  const auto chunk = shard.chunk_rows();
  const auto step = chunk * std::max<std::uint64_t>(1, kRowsAtOnce / chunk);
  Sha256 hash;
  for (std::uint64_t begin = 0; begin < shard.rows(); begin += step) {
    const auto rows = shard.read(begin, std::min(shard.rows(), begin + step),
                                 vocabulary_ ? &*vocabulary_ : nullptr);
    hash_values(hash, rows.tokens);
    hash_values(hash, rows.masked_positions);
    hash_values(hash, rows.masked_labels);
    hash_values(hash, rows.next_sentence);
    count(rows);
  }
  const auto [other, is_new] = by_digest_.try_emplace(hash.hex(), file.string());
  if (!is_new) {
    report_.faults.push_back(
        fmt::format("{}: the same content as {}", file.string(), other->second));
  }
}

void ForeignVerifier::count(const ForeignRows& rows) {
  counts_.sequences += rows.sequences();
  counts_.tokens += rows.tokens.size();
  counts_.predictions += rows.masked_labels.size();
  counts_.random += static_cast<std::uint64_t>(std::ranges::count(rows.next_sentence, 1));
  if (!vocabulary_) return;
  for (std::size_t s = 0; s < rows.sequences(); ++s) {
    for (auto i = rows.prediction_offsets[s]; i < rows.prediction_offsets[s + 1]; ++i) {
      const auto position = static_cast<std::size_t>(rows.masked_positions[i]);
      counts_.masks += rows.tokens[rows.token_offsets[s] + position] == vocabulary_->mask();
      const auto label = rows.masked_labels[i];
      counts_.special += vocabulary_->is_special(label) && label != vocabulary_->unknown();
    }
  }
}

void ForeignVerifier::note_rates() {
  const auto percent = [](std::uint64_t part, std::uint64_t all) {
    return 100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(1, all));
  };
  if (!vocabulary_) note("ids not checked, no vocabulary: name it with --tokenizer.vocab");
  if (counts_.sequences < kEnough || counts_.predictions < kEnough) return;
  const auto random = percent(counts_.random, counts_.sequences);
  if (random < 35 || random > 65) {
    note(fmt::format("{:.1f} % of the next-sentence labels are 1 (random); about 50 are usual",
                     random));
  }
  const auto masked = percent(counts_.predictions, counts_.tokens);
  if (masked < 10 || masked > 20) {
    note(fmt::format("{:.1f} % of the tokens are to be predicted; about 15 are usual", masked));
  }
  if (!vocabulary_) return;
  const auto masks = percent(counts_.masks, counts_.predictions);
  if (masks < 70 || masks > 90) {
    note(fmt::format("{:.1f} % of what is predicted is [MASK] (id {}); about 80 are usual", masks,
                     vocabulary_->mask()));
  }
  if (counts_.special * kManySpecial > counts_.predictions) {
    note(fmt::format("{} of {} predictions are of special tokens", counts_.special,
                     counts_.predictions));
  }
}

}  // namespace

VerifyReport verify_foreign(const fs::path& folder_or_shard, const fs::path& vocabulary,
                            const VerifyProgress& progress) {
  return ForeignVerifier(folder_or_shard, vocabulary, progress).run();
}

}  // namespace bertha
