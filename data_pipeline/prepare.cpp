// The steps of `prepare`, one after the other on every rank.
#include "data_pipeline/prepare.h"

#include <chrono>
#include <fstream>
#include <malloc.h>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare_checks.h"
#include "data_pipeline/prepare_exchange.h"
#include "data_pipeline/prepare_plan.h"
#include "data_pipeline/prepare_shards.h"
#include "data_pipeline/prepare_share.h"
#include "data_pipeline/spill_index.h"
#include "data_pipeline/spill_writer.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTokenizerMaxLength = 512;  // as BERT's own; only Transformers looks at it
constexpr double kManyUnknown = 0.2;      // of all tokens
constexpr char kFailedMark[] = "failed";  // in the staging folder: the others need not go on

class Preparation {
 public:
  Preparation(const PrepareOptions& options, const RankInfo& rank, const GatherBytes& gather,
              const PrepareProgress& progress)
      : options_(options), rank_(rank), exchange_(rank, gather), progress_(progress) {}

  PrepareReport run() {
    const auto began = Clock::now();
    set_up();
    tokenize();
    write_shards();
    PrepareReport report{.manifest = describe(), .read = read_, .seconds = 0};
    publish(report.manifest);
    report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    return report;
  }

 private:
  void set_up();
  std::string check_everything();
  void tokenize();
  std::string fill_spill();
  void spill_documents(DocumentPipeline& pipeline, SpillWriter& spill);
  void write_shards();
  CorpusManifest describe();
  void publish(const CorpusManifest& manifest);

  std::vector<NumberedFile> own_files() const;
  [[noreturn]] void fail_without_documents() const;
  std::vector<std::string> together(const std::function<std::string()>& step) {
    // Only rank 0's staging folder removes anything.
    return exchange_.run(step, [this] { staged_.reset(); });
  }

  const PrepareOptions& options_;
  const RankInfo& rank_;
  RankExchange exchange_;
  const PrepareProgress& progress_;

  std::optional<Vocabulary> vocabulary_;
  std::optional<StagedFolder> staged_;
  std::vector<InputFile> files_;
  std::vector<SpillReport> reports_;  // by rank
  ReadStatistics read_;               // summed over ranks
  ShardSummaries shards_;
};

// Rank 0 finds the input for all and makes the folder. Every rank reads the vocabulary.
std::string Preparation::check_everything() {
  check_prepare_options(options_);
  vocabulary_.emplace(load_vocabulary(options_.vocabulary));
  std::string message;
  put_text(message, vocabulary_->sha256());
  if (rank_.is_root()) {
    check_output_folder(options_.output);
    message += pack_files(find_input_files(options_.input));
    staged_.emplace(options_.output, true);
  }
  return message;
}

void Preparation::set_up() {
  const auto messages = together([this] { return check_everything(); });
  MessageReader first(messages[0]);
  const std::string sha256 = first.text();
  files_ = unpack_files(first.rest());
  together([&] {
    if (vocabulary_->sha256() != sha256) {
      throw Error(ErrorKind::bad_data,
                  options_.vocabulary.string() + " is not the same file as on rank 0",
                  "put it on a file system that all ranks share");
    }
    if (!rank_.is_root()) staged_.emplace(options_.output, false);
    if (!fs::is_directory(staged_->path())) {
      throw Error(ErrorKind::io, staged_->path().string() + " was made by rank 0, but is not here",
                  "prepare.output must be on a file system that all ranks share");
    }
    return std::string();
  });
}

std::vector<NumberedFile> Preparation::own_files() const {
  const auto owners = share_files(files_, rank_.world_size);
  std::vector<NumberedFile> own;
  for (std::size_t i = 0; i < files_.size(); ++i) {
    if (owners[i] == rank_.rank) own.push_back({i, files_[i]});
  }
  return own;
}

void Preparation::spill_documents(DocumentPipeline& pipeline, SpillWriter& spill) {
  std::uint64_t total = 0;
  for (const auto& own : own_files()) total += own.file.bytes;
  const fs::path mark = staged_->path() / kFailedMark;
  auto looked = Clock::now();
  for (TokenizedBatch batch; pipeline.next(batch);) {
    spill.add(batch);
    if (progress_) progress_(batch.input_bytes, total);
    if (const auto now = Clock::now(); now - looked > std::chrono::seconds(1)) {
      looked = now;
      std::error_code ignored;
      if (fs::exists(mark, ignored)) throw OtherRankFailed();
    }
  }
}

std::string Preparation::fill_spill() {
  try {
    const WordPiece tokenizer(*vocabulary_, options_.tokenizer);
    DocumentPipeline pipeline(own_files(), options_.input.text_field, tokenizer,
                              worker_count(options_.workers, rank_));
    const auto paths = spill_paths(staged_->path(), static_cast<std::size_t>(rank_.rank));
    SpillWriter spill(paths, *vocabulary_);
    spill_documents(pipeline, spill);
    return spill.finish(pipeline.totals()).pack();
  } catch (...) {
    std::ofstream(staged_->path() / kFailedMark);  // if this fails too, the others just go on
    throw;
  }
}

void Preparation::fail_without_documents() const {
  const std::string more =
      files_.size() > 1 ? fmt::format(" and {} more file(s)", files_.size() - 1) : "";
  throw Error(ErrorKind::bad_data,
              fmt::format("no documents with text in {}{}", files_.front().path.string(), more),
              read_.first_malformed.empty()
                  ? "check input.paths and input.format"
                  : "check input.format and input.text_field: " + read_.first_malformed);
}

void Preparation::tokenize() {
  auto messages = together([this] { return fill_spill(); });
#ifdef __GLIBC__
  ::malloc_trim(0);  // the text of long documents, in many small pieces
#endif
  std::uint64_t malformed_file = UINT64_MAX;
  std::string malformed;
  for (std::string& message : messages) {
    const auto& report = reports_.emplace_back(SpillReport::unpack(message));
    std::string().swap(message);  // it can be large
    read_.add(report.read.statistics);
    if (report.read.first_malformed_file < malformed_file) {
      malformed_file = report.read.first_malformed_file;
      malformed = report.read.statistics.first_malformed;
    }
  }
  read_.first_malformed = malformed;
}

void Preparation::write_shards() {
  const auto messages = together([this] {
    bool any = false;
    for (const auto& report : reports_) any = any || !report.files.empty();
    if (!any) fail_without_documents();
    const ShardPlan plan =
        plan_shards(reports_, {.shard_tokens = options_.shard_tokens,
                               .validation_fraction = options_.validation_fraction,
                               .seed = options_.seed});
    return pack_summaries(write_share(staged_->path(), reports_, plan, *vocabulary_, rank_));
  });
  shards_ = merge_summaries(messages);
}

CorpusManifest Preparation::describe() {
  CorpusManifest manifest{.vocabulary_sha256 = vocabulary_->sha256(),
                          .vocabulary_size = vocabulary_->size(),
                          .tokenizer = options_.tokenizer,
                          .splits = split_counts(std::move(shards_)),
                          .statistics = {}};
  auto& statistics = manifest.statistics;
  for (const SpillReport& report : reports_) {
    statistics["unknown_tokens"] += report.unknown_tokens;
    statistics["documents_without_tokens"] += report.documents_without_tokens;
    statistics["longest_sentence_tokens"] =
        std::max(statistics["longest_sentence_tokens"], report.longest_sentence_tokens);
  }
  statistics["replaced_bytes"] = read_.replaced_bytes;
  statistics["skipped_redirects"] = read_.skipped_redirects;
  statistics["skipped_namespaces"] = read_.skipped_namespaces;
  statistics["skipped_empty"] = read_.skipped_empty;
  statistics["skipped_malformed"] = read_.skipped_malformed;
  return manifest;
}

void warn_of_unknown(const CorpusManifest& manifest) {
  std::uint64_t tokens = 0;
  for (const auto& [name, split] : manifest.splits) tokens += split.tokens;
  const double share =
      static_cast<double>(manifest.statistics.at("unknown_tokens")) / static_cast<double>(tokens);
  if (share < kManyUnknown) return;
  log_warning(
      fmt::format("{:.0f} % of the tokens are [UNK]: does the vocabulary fit the text's "
                  "language and letter case?",
                  100 * share));
}

void Preparation::publish(const CorpusManifest& manifest) {
  together([&] {
    if (!rank_.is_root()) return std::string();
    for (std::size_t rank = 0; rank < reports_.size(); ++rank) {
      const auto paths = spill_paths(staged_->path(), rank);
      fs::remove(paths.tokens);
      fs::remove(paths.sentences);
    }
    write_tokenizer_files(staged_->path(), *vocabulary_, options_.tokenizer, kTokenizerMaxLength);
    write_file(staged_->path() / "manifest.json", manifest.to_json());
    warn_of_unknown(manifest);
    staged_->publish();
    return std::string();
  });
}

}  // namespace

PrepareReport prepare_corpus(const PrepareOptions& options, const RankInfo& rank,
                             const GatherBytes& gather, const PrepareProgress& progress) {
  return Preparation(options, rank, gather, progress).run();
}

}  // namespace bertha
