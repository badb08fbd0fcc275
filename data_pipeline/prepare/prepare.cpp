// The steps of `prepare`, one after the other on every rank.
#include "data_pipeline/prepare/prepare.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <malloc.h>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_checks.h"
#include "data_pipeline/prepare/prepare_duplicates.h"
#include "data_pipeline/prepare/prepare_exchange.h"
#include "data_pipeline/prepare/prepare_pipeline.h"
#include "data_pipeline/prepare/prepare_plan.h"
#include "data_pipeline/prepare/prepare_report.h"
#include "data_pipeline/prepare/prepare_shards.h"
#include "data_pipeline/prepare/prepare_units.h"
#include "data_pipeline/prepare/prepare_work.h"
#include "data_pipeline/tokenizer/tokenizer_files.h"
#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTokenizerMaxLength = 512;  // as BERT's own; only Transformers looks at it

class Preparation {
 public:
  Preparation(const PrepareOptions& options, const RankInfo& rank, const PrepareHooks& hooks)
      : options_(options), rank_(rank), hooks_(hooks), exchange_(rank, hooks.gather) {}

  PrepareReport run() {
    const auto began = Clock::now();
    set_up();
    tokenize();
    if (options_.drop_duplicates) find_duplicates();
    write_shards();
    PrepareReport report{.manifest = describe_corpus(*vocabulary_, options_, findings_),
                         .read = findings_.read,
                         .statistics = findings_.statistics,
                         .seconds = 0};
    publish(report.manifest);
    report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    return report;
  }

 private:
  void set_up();
  std::string check_everything();
  void find_finished_units();
  void tokenize();
  std::string fill_spill();
  void spill_units(DocumentPipeline& pipeline, std::uint64_t total_bytes, std::string& reports);
  void find_duplicates();
  void write_shards();
  std::string write_own_shards();
  void publish(const CorpusManifest& manifest);

  DocumentWalk walk() const { return {work_->folder(), reports_, dropped_}; }
  std::vector<NumberedUnit> own_units() const;
  void take_reports(const std::vector<std::string>& messages);
  void look_around();
  void got_on() const {
    if (hooks_.got_on) hooks_.got_on();
  }
  [[noreturn]] void fail_without_documents() const;
  std::vector<std::string> together(const std::function<std::string()>& step);

  const PrepareOptions& options_;
  const RankInfo& rank_;
  const PrepareHooks& hooks_;
  RankExchange exchange_;

  std::optional<Vocabulary> vocabulary_;
  std::optional<PrepareWork> work_;
  std::vector<InputUnit> units_;
  std::vector<SpillReport> reports_;  // by unit
  std::vector<bool> finished_;        // by unit
  DroppedDocuments dropped_;
  PrepareFindings findings_;  // of all ranks
  Clock::time_point looked_ = Clock::now();
};

// A step of all ranks. What was finished stays after a request to stop or a lost rank, to be gone
// on with; an input or disk that is at fault needs a remedy first, and nothing is left behind.
std::vector<std::string> Preparation::together(const std::function<std::string()>& step) {
  const auto marked = [&] {
    try {
      return step();
    } catch (...) {
      if (work_) work_->mark_failed();
      throw;
    }
  };
  return exchange_.run(marked, [this](const Error& error) {
    if (rank_.is_root() && work_ && error.kind() != ErrorKind::stopped) work_->abandon();
  });
}

// Rank 0 finds the input for all and makes the folders. Every rank reads the vocabulary.
std::string Preparation::check_everything() {
  check_prepare_options(options_);
  vocabulary_.emplace(load_vocabulary(options_.vocabulary));
  std::string message;
  put_text(message, vocabulary_->sha256());
  if (!rank_.is_root()) return message;
  check_output_folder(options_.output);
  units_ = plan_units(find_input_files(options_.input, hooks_.got_on), options_.least_unit_bytes,
                      hooks_.got_on);
  work_ = PrepareWork::begin(options_.output, digest_of(options_, units_, vocabulary_->sha256()));
  put_number(message, work_->goes_on() ? 1 : 0);
  return message + pack_units(units_);
}

void Preparation::set_up() {
  const auto messages = together([this] { return check_everything(); });
  MessageReader first(messages[0]);
  const std::string sha256 = first.text();
  const bool goes_on = first.number() != 0;
  units_ = unpack_units(first.rest());
  reports_.resize(units_.size());
  finished_.resize(units_.size(), false);
  together([&] {
    if (vocabulary_->sha256() != sha256) {
      throw Error(ErrorKind::bad_data,
                  options_.vocabulary.string() + " is not the same file as on rank 0",
                  "put it on a file system that all ranks share");
    }
    if (!rank_.is_root()) work_ = PrepareWork::join(options_.output);
    return std::string();
  });
  if (goes_on) find_finished_units();
}

// Units by number with their reports, of all ranks.
void Preparation::take_reports(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) {
    for (MessageReader reader(message); !reader.at_end();) {
      const std::size_t unit = reader.number();
      reports_.at(unit) = SpillReport::unpack(reader.text());
      finished_.at(unit) = true;
    }
  }
}

void Preparation::find_finished_units() {
  take_reports(together([this] {
    std::string found;
    for (auto unit = static_cast<std::size_t>(rank_.rank); unit < units_.size();
         unit += static_cast<std::size_t>(rank_.world_size)) {
      look_around();
      got_on();
      if (const auto report = find_spill_report(work_->folder(), unit)) {
        put_number(found, unit);
        put_text(found, report->pack());
      }
    }
    return found;
  }));
  log_info(fmt::format("prepare: going on; {} of {} units of the input were done",
                       std::ranges::count(finished_, true), units_.size()));
}

std::vector<NumberedUnit> Preparation::own_units() const {
  std::vector<std::size_t> to_do;
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    if (!finished_[unit]) to_do.push_back(unit);
  }
  const auto owners = share_units(units_, to_do, rank_.world_size);
  std::vector<NumberedUnit> own;
  for (std::size_t i = 0; i < to_do.size(); ++i) {
    if (owners[i] == rank_.rank) own.push_back({to_do[i], units_[to_do[i]]});
  }
  // Large ones first, so that no thread is left alone with one at the end.
  std::ranges::stable_sort(own, std::greater<>(),
                           [](const NumberedUnit& unit) { return unit.unit.bytes(); });
  return own;
}

// Now and then: is there any use in going on?
void Preparation::look_around() {
  if (hooks_.stop_requested && hooks_.stop_requested()) {
    throw Error(ErrorKind::stopped, "prepare was asked to stop",
                "the same command goes on with what is finished");
  }
  const auto now = Clock::now();
  if (now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  if (work_->is_marked_failed()) throw OtherRankFailed();
}

void Preparation::spill_units(DocumentPipeline& pipeline, std::uint64_t total_bytes,
                              std::string& reports) {
  std::vector<FinishedUnit> finished;
  std::uint64_t bytes = 0;  // read so far
  while (pipeline.wait(finished)) {
    for (const FinishedUnit& unit : finished) {
      put_number(reports, unit.number);
      put_text(reports, unit.report.pack());
    }
    const auto before = std::exchange(bytes, pipeline.input_bytes());
    if (bytes != before || !finished.empty()) got_on();
    if (hooks_.progress) hooks_.progress(PrepareStage::tokenize, bytes, total_bytes);
    look_around();
  }
}

std::string Preparation::fill_spill() {
  auto own = own_units();
  std::uint64_t bytes = 0;
  for (const NumberedUnit& unit : own) bytes += unit.unit.bytes();
  const WordPiece tokenizer(*vocabulary_, options_.tokenizer);
  DocumentPipeline pipeline(std::move(own), tokenizer,
                            {.folder = work_->folder(),
                             .text_field = options_.input.text_field,
                             .workers = worker_count(options_.workers, rank_),
                             .with_digests = options_.drop_duplicates});
  std::string reports;
  spill_units(pipeline, bytes, reports);
  return reports;
}

void Preparation::fail_without_documents() const {
  std::size_t files = 0;
  for (const InputUnit& unit : units_) files += unit.files.size();
  const std::string more = files > 1 ? fmt::format(" and {} more file(s)", files - 1) : "";
  throw Error(ErrorKind::bad_data,
              fmt::format("no documents with text in {}{}",
                          units_.front().files.front().path.string(), more),
              findings_.read.first_malformed.empty()
                  ? "check input.paths and input.format"
                  : "check input.format and input.text_field: " + findings_.read.first_malformed);
}

void Preparation::tokenize() {
  take_reports(together([this] { return fill_spill(); }));
#ifdef __GLIBC__
  ::malloc_trim(0);  // the text of long documents, in many small pieces
#endif
  std::uint64_t documents = 0;
  std::vector<ReadStatistics> read;  // by unit
  for (const SpillReport& report : reports_) {
    read.push_back(report.read);
    findings_.read.add(report.read);
    findings_.documents_without_tokens += report.documents_without_tokens;
    documents += report.documents;
  }
  together([&] {
    require_records(units_, read, options_.input.text_field);
    if (documents == 0) fail_without_documents();
    return std::string();
  });
}

void Preparation::find_duplicates() {
  together([this] {
    deal_digests(work_->folder(), reports_, rank_);
    return std::string();
  });
  together([this] {
    write_duplicates(work_->folder(), reports_, rank_);
    return std::string();
  });
  together([this] {
    dropped_ = read_duplicates(work_->folder(), reports_);
    return std::string();
  });
  findings_.duplicates = static_cast<std::uint64_t>(std::ranges::count(dropped_, true));
}

std::string Preparation::write_own_shards() {
  const ShardPlan plan =
      plan_shards([this] { return walk(); }, {.shard_tokens = options_.shard_tokens,
                                              .validation_fraction = options_.validation_fraction,
                                              .seed = options_.seed});
  return pack_shards(write_share([this] { return walk(); }, plan,
                                 {.work = work_->folder(),
                                  .corpus = work_->corpus(),
                                  .vocabulary = *vocabulary_,
                                  .rank = rank_,
                                  .word_boundaries = options_.word_boundaries,
                                  .threads = worker_count(options_.workers, rank_),
                                  .progress =
                                      [&](std::uint64_t done, std::uint64_t total) {
                                        inject_fault("shard");
                                        if (hooks_.progress)
                                          hooks_.progress(PrepareStage::write, done, total);
                                        look_around();
                                      },
                                  .got_on = hooks_.got_on}));
}

void Preparation::write_shards() {
  findings_.shards = merge_shards(together([this] { return write_own_shards(); }));
  for (const WrittenShard& shard : findings_.shards) findings_.statistics.add(shard.statistics);
}

// Killed at any point, the same command ends with the same corpus, and `output` is the old corpus
// or the new one, whole (where names cannot be exchanged it may be missing for a moment, with the
// old one beside it, to be put back). Killed
// - before forget_shards: the shards in `.staging` are taken as they are;
// - before the names are exchanged: they are written again, from the spill;
// - before `.staging` is renamed: it is the old corpus, and is removed, not taken for shards;
// - before `.deleted` is removed: the next run removes it, and makes the new corpus once more;
// - before `.preparing` is removed: what is left of the spill is checked, the rest is made again.
void Preparation::publish(const CorpusManifest& manifest) {
  together([&] {
    if (!rank_.is_root()) return std::string();
    StagedFolder staged(options_.output, true, true);
    staged.keep();
    write_tokenizer_files(staged.path(), *vocabulary_, options_.tokenizer, kTokenizerMaxLength);
    write_file(staged.path() / "manifest.json", manifest.to_json());
    warn_of_unknown(manifest);
    work_->forget_shards();
    staged.publish();
    work_->remove();
    return std::string();
  });
}

}  // namespace

PrepareReport prepare_corpus(const PrepareOptions& options, const RankInfo& rank,
                             const PrepareHooks& hooks) {
  return Preparation(options, rank, hooks).run();
}

}  // namespace bertha
