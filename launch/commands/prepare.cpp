// `bertha prepare`: text to a corpus folder, files shared by the ranks.
#include "data_pipeline/prepare.h"

#include <fmt/format.h>

#include "data_pipeline/prepare_foreign.h"
#include "launch/commands/commands.h"
#include "launch/dry_run.h"
#include "launch/runtime.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/progress.h"
#include "parallel/mpi_communicator.h"

namespace bertha {
namespace {

void print_summary(const PrepareReport& report, const PrepareOptions& options) {
  for (const auto& [name, split] : report.manifest.splits) {
    log_info(fmt::format("{}: {} documents, {} sentences, {} tokens in {} shard(s)", name,
                         split.documents, split.sentences, split.tokens, split.shards.size()));
  }
  for (const auto& [name, value] : report.manifest.statistics) {
    if (value > 0) log_info(fmt::format("{}: {}", name, value));
  }
  if (!report.read.first_malformed.empty()) {
    log_warning("first malformed record: " + report.read.first_malformed);
  }
  log_info(
      fmt::format("corpus in {0} after {1}; next: bertha pretrain --config configs/bert_mini.ini "
                  "--data.corpus {0} --train.output run",
                  options.output.string(), human_seconds(report.seconds)));
}

}  // namespace

int run_prepare(const RunConfig& config, const MpiEnvironment& mpi) {
  auto options = config.prepare;
  if (options.vocabulary.empty() || options.output.empty() || options.input.paths.empty()) {
    throw Error(ErrorKind::usage, "input.paths, tokenizer.vocab and prepare.output are all needed",
                "bertha prepare --input.paths text/ --tokenizer.vocab vocab.txt --prepare.output "
                "corpus");
  }
  if (config.dry_run) {
    dry_run_prepare(config, mpi);
    return 0;
  }
  options.workers = usable_threads(options.workers, mpi.rank_info());
  const auto communicator = make_mpi_communicator(mpi.rank_info());
  ProgressBar bar("prepare", 0, "B", mpi.rank_info().is_root() && config.trainer.metrics.progress);
  const bool ready_samples = options.input.format == TextFormat::nvidia;
  const auto prepare = ready_samples ? prepare_foreign_corpus : prepare_corpus;
  const auto report = prepare(
      options, mpi.rank_info(),
      [&](std::string_view bytes) { return communicator->gather_bytes(bytes); },
      [&](std::uint64_t done, std::uint64_t total) {
        bar.set_total(total);
        bar.update(done);
      });
  if (mpi.rank_info().is_root()) print_summary(report, options);
  return 0;
}

}  // namespace bertha
