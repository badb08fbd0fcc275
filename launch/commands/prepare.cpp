// `bertha prepare`: text to a corpus folder, files shared by the ranks.
#include "data_pipeline/prepare/prepare.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_foreign.h"
#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/long_work.h"
#include "launch/prepare_setup.h"
#include "launch/rank_places.h"
#include "launch/stop_signal.h"
#include "launch/vocabulary_settings.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/watched_ranks.h"

namespace bertha {
namespace {

void print_summary(const PrepareReport& report, const PrepareOptions& options) {
  for (const auto& [name, split] : report.manifest.splits) {
    log_info(fmt::format("{}: {} documents, {} sentences, {} tokens in {} shard(s)", name,
                         split.documents, split.sentences, split.tokens, split.shards.size()));
  }
  std::uint64_t tokens = 0;
  for (const auto& [name, split] : report.manifest.splits) tokens += split.tokens;
  log_info(fmt::format(
      "unknown tokens: {} ({:.3f} %)", report.statistics.unknown_tokens,
      100 * static_cast<double>(report.statistics.unknown_tokens) / static_cast<double>(tokens)));
  log_info("tokens per sentence: " + histogram_text(report.statistics.sentence_tokens));
  log_info("sentences per document: " + histogram_text(report.statistics.document_sentences));
  for (const auto& [name, value] : report.manifest.statistics) {
    const bool told = name.find("_from_") != name.npos || name == "unknown_tokens";
    auto words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    if (value > 0 && !told) log_info(fmt::format("{}: {}", words, value));
  }
  if (!report.read.first_malformed.empty()) {
    log_warning("first malformed record: " + report.read.first_malformed);
  }
  log_info(
      fmt::format("corpus in {0} after {1}; next: bertha pretrain --config configs/bert_mini.ini "
                  "--data.corpus {0} --train.output run",
                  options.output.string(), human_seconds(report.seconds)));
}

struct StageWords {
  const char *name, *unit;
};

StageWords words_of(PrepareStage stage) {
  switch (stage) {
    case PrepareStage::tokenize:
      return {"tokenize", "B"};
    case PrepareStage::write:
      return {"write shards", "tokens"};
    default:
      return {"convert", "rows"};
  }
}

// A bar for each stage.
class StageProgress {
 public:
  explicit StageProgress(bool enabled) : enabled_(enabled) {}
  void update(PrepareStage stage, std::uint64_t done, std::uint64_t total) {
    if (!bar_ || stage != stage_) {
      bar_.reset();
      const StageWords words = words_of(stage);
      bar_.emplace(words.name, total, words.unit, enabled_);
      stage_ = stage;
    }
    bar_->update(done);
  }

 private:
  bool enabled_;
  PrepareStage stage_ = PrepareStage::tokenize;
  std::optional<ProgressBar> bar_;
};

}  // namespace

int run_prepare(const RunConfig& config, const MpiEnvironment& mpi) {
  auto options = config.prepare;
  check_prepare(config);
  if (config.dry_run) {
    dry_run_prepare(config, mpi);
    return 0;
  }
  options.tokenizer = settings_for_vocabulary(config);
  WatchedRanks ranks(mpi.rank_info(), timeout_of(config), termination_requested);
  options.workers =
      agree_on_place(ranks.communicator(), find_place(options.workers, false)).threads;
  const bool ready_samples = options.input.format == TextFormat::nvidia;
  const auto prepare = ready_samples ? prepare_foreign_corpus : prepare_corpus;
  LongWork work(ranks.communicator(), ranks.watchdog(), "preparing the corpus");
  PrepareReport report;
  work.run([&](const std::stop_token& stop) {
    StageProgress progress(mpi.rank_info().is_root() && config.trainer.metrics.progress);
    report = prepare(options, mpi.rank_info(),
                     {.gather = [&](std::string_view bytes) { return work.gather(bytes); },
                      .progress = [&](PrepareStage stage, std::uint64_t done,
                                      std::uint64_t total) { progress.update(stage, done, total); },
                      .stop_requested = [&] { return stop_requested() || stop.stop_requested(); },
                      .got_on = [&] { work.got_on(); }});
  });
  if (mpi.rank_info().is_root()) print_summary(report, options);
  return 0;
}

}  // namespace bertha
