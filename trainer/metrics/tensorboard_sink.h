// TensorBoard event files: TFRecord framing (masked CRC-32C) around hand-encoded Event protobufs.
#pragma once

#include <filesystem>
#include <memory>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// A new events.out.tfevents.* file in `folder`; numeric values become scalars "<event>/<name>" at
// the event's step. `resumed_step` > 0 writes a session-start record so that TensorBoard drops
// steps after it from earlier files.
std::unique_ptr<MetricsSink> make_tensorboard_sink(const std::filesystem::path& folder,
                                                   std::int64_t resumed_step);

}  // namespace bertha
