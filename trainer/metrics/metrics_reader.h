// Reads metrics.jsonl of any length, line by line, into what the report shows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/downsampler.h"

namespace bertha {

struct RunMarker {
  std::string kind;  // start | resume | save | stop | end | warning
  std::int64_t step = 0;
  std::string text;  // a stop's reason, a warning's message
};

struct RunMetrics {
  // By "<event>/<name>" as in TensorBoard: "train/loss", "validation/mlm_accuracy".
  std::map<std::string, Downsampler> curves;
  std::vector<RunMarker> markers;  // in file order; saves thinned out when there are many
  // Of the newest start or resume event, as text: "parameters", "world_size", "total_steps"; and
  // "from" of the first.
  std::map<std::string, std::string> session;
  std::uint64_t saves = 0, sessions = 0;
  std::uint64_t lines = 0, malformed_lines = 0, superseded_lines = 0;
  double begin_time = 0;      // seconds since 1970, of the first event; 0: none
  double active_seconds = 0;  // sum over the sessions, pauses between them left out
  std::int64_t last_step = 0;
  std::string last_event;  // "end": completed; "stop": resumable; else it goes on, or was killed
};

// A line that is not a metrics event (torn, of another program, absurdly long) is skipped and
// counted. Numbers of steps that a later session trained again are left out, as TensorBoard does.
// Error{io} when the file cannot be read.
RunMetrics read_metrics(const std::filesystem::path& metrics_jsonl);

}  // namespace bertha
