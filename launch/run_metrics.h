// Sinks of a run folder as the options ask for them; nothing on ranks other than 0.
#pragma once

#include <filesystem>

#include "launch/run_config.h"
#include "parallel/base/rank_info.h"
#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// `resumed_step`: 0 for a fresh run.
MetricsSinks open_metrics(const std::filesystem::path& run_folder, const MetricsOptions& options,
                          const RankInfo& rank, std::int64_t resumed_step);

// report.html of a run, written where the metrics are; a failure is a warning, not an end.
void write_run_report(const std::filesystem::path& run_folder, const RankInfo& rank);

// Creates the run folder and writes resolved.ini (rank 0). Error{usage} without an output folder.
void start_run_folder(const RunConfig& config, const RankInfo& rank);

}  // namespace bertha
