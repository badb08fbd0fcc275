// `bertha report`: one HTML page with the curves of one or several runs, or of a corpus.
#include "trainer/metrics/report.h"

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "data_pipeline/shards/corpus_manifest.h"
#include "launch/commands/commands.h"
#include "launch/corpus_report.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"

namespace bertha {
namespace {

int written(const std::filesystem::path& page, const std::string& html) {
  write_file_atomically(page, html);
  log_info(fmt::format("{} written; open it in a browser", page.string()));
  return 0;
}

}  // namespace

int run_report(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.arguments.empty()) {
    throw Error(ErrorKind::usage, "report takes one or several run folders, or a corpus",
                "bertha report run");
  }
  if (!mpi.rank_info().is_root()) return 0;
  const std::filesystem::path first = config.arguments.front();
  if (config.arguments.size() == 1 && is_corpus_folder(first)) {
    auto options = config;
    options.data.corpus = first;
    return written(first / "report.html", render_corpus_report(options));
  }
  std::vector<std::filesystem::path> runs(config.arguments.begin(), config.arguments.end());
  for (const auto& run : runs) {
    if (!std::filesystem::exists(run)) throw_io_error("open", run.string(), ENOENT);
    if (!std::filesystem::exists(run / "metrics.jsonl")) {
      throw Error(ErrorKind::io, run.string() + " holds no metrics.jsonl",
                  "name a run folder, with metrics.jsonl on, or a corpus");
    }
  }
  const auto page =
      runs.size() == 1 ? runs.front() / "report.html" : std::filesystem::path("report.html");
  return written(page, render_report(runs));
}

}  // namespace bertha
