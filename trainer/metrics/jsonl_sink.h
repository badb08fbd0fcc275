// metrics.jsonl: one JSON object a line, flushed line by line, appended to across restarts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// A half line left by a killed run is cut off first. So are, in a run that goes on from
// `resumed_step`, the numbers of later steps, which it trains again (all but events of a session:
// start, resume, stop, end, warning): the file is replaced by the rest in one go, so that whoever
// reads it finds every step once. Each object has event, step, time (seconds
// since 1970). NaN and infinities are written as null. Error{io} when it cannot be opened; a failed
// write later warns once and does not stop training.
std::unique_ptr<MetricsSink> make_jsonl_sink(
    const std::filesystem::path& path, std::optional<std::int64_t> resumed_step = std::nullopt);

}  // namespace bertha
