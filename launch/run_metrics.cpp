// Run folders: resolved options, metrics, the report.
#include "launch/run_metrics.h"

#include <exception>
#include <system_error>

#include "launch/options.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/metrics/jsonl_sink.h"
#include "trainer/metrics/report.h"
#include "trainer/metrics/tensorboard_sink.h"

namespace bertha {

MetricsSinks open_metrics(const std::filesystem::path& run_folder, const MetricsOptions& options,
                          const RankInfo& rank, std::int64_t resumed_step) {
  MetricsSinks sinks;
  if (!rank.is_root()) return sinks;
  if (options.jsonl) sinks.add(make_jsonl_sink(run_folder / "metrics.jsonl"));
  if (options.tensorboard) {
    sinks.add(make_tensorboard_sink(run_folder / "tensorboard", resumed_step));
  }
  return sinks;
}

void write_run_report(const std::filesystem::path& run_folder, const RankInfo& rank) {
  if (!rank.is_root() || !std::filesystem::exists(run_folder / "metrics.jsonl")) return;
  try {
    write_file_atomically(run_folder / "report.html", render_report({run_folder}));
  } catch (const std::exception& error) {
    log_warning(std::string("no report.html: ") + error.what());
  }
}

void start_run_folder(const RunConfig& config, const RankInfo& rank) {
  const auto& folder = config.trainer.train.output;
  if (folder.empty()) {
    throw Error(ErrorKind::usage, "train.output is missing",
                "name a run folder: --train.output run");
  }
  if (!rank.is_root()) return;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_io_error("create folder", folder.string(), error.value());
  write_file_atomically(folder / "resolved.ini", resolved_ini(config));
}

}  // namespace bertha
