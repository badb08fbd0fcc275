// `bertha report RUN...`: one HTML page with the curves of one or several runs.
#include "trainer/metrics/report.h"

#include <filesystem>

#include <fmt/format.h>

#include "launch/commands/commands.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"

namespace bertha {

int run_report(const RunConfig& config, const MpiEnvironment& mpi) {
  if (config.arguments.empty()) {
    throw Error(ErrorKind::usage, "report takes one or several run folders", "bertha report run");
  }
  if (!mpi.rank_info().is_root()) return 0;
  std::vector<std::filesystem::path> runs(config.arguments.begin(), config.arguments.end());
  for (const auto& run : runs) {
    if (!std::filesystem::exists(run / "metrics.jsonl")) {
      throw Error(ErrorKind::io, run.string() + " holds no metrics.jsonl",
                  "name a run folder, with metrics.jsonl on");
    }
  }
  const auto page =
      runs.size() == 1 ? runs.front() / "report.html" : std::filesystem::path("report.html");
  write_file_atomically(page, render_report(runs));
  log_info(page.string() + " written");
  return 0;
}

}  // namespace bertha
