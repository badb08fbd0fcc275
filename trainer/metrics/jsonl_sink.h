// metrics.jsonl: one JSON object a line, flushed line by line, appended to across restarts.
#pragma once

#include <filesystem>
#include <memory>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// A half line left by a killed run is cut off first. Each object has event, step, time (seconds
// since 1970). NaN and infinities are written as null. Error{io} when it cannot be opened; a failed
// write later warns once and does not stop training.
std::unique_ptr<MetricsSink> make_jsonl_sink(const std::filesystem::path& path);

}  // namespace bertha
