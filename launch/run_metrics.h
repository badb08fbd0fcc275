// Sinks of a run folder as the options ask for them; nothing on ranks other than 0.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "launch/run_config.h"
#include "parallel/base/rank_info.h"
#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// `resumed_step`: 0 for a fresh run. `samples`: name and text of training samples, for TensorBoard.
using SampleTexts = std::vector<std::pair<std::string, MetricValue>>;
MetricsSinks open_metrics(const RunConfig& config, const RankInfo& rank, std::int64_t resumed_step,
                          const SampleTexts& samples);

// The options that describe the experiment, as numbers, flags or words: no paths, nothing that does
// not change what is computed.
std::vector<std::pair<std::string, MetricValue>> hyper_parameters(const RunConfig& config);

// report.html of a run, written where the metrics are; a failure is a warning, not an end.
void write_run_report(const std::filesystem::path& run_folder, const RankInfo& rank);

// Creates the run folder and writes resolved.ini (rank 0). Error{usage} without an output folder.
void start_run_folder(const RunConfig& config, const RankInfo& rank);

}  // namespace bertha
