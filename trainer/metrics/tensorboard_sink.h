// TensorBoard event files: TFRecord framing (masked CRC-32C) around hand-encoded Event protobufs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// What is said once, when a run begins.
struct TensorboardStart {
  std::vector<std::pair<std::string, MetricValue>> hyper_parameters;  // for the HPARAMS page
  std::vector<std::pair<std::string, MetricValue>> samples;  // name and text: "samples/<name>"
};

// A new events.out.tfevents.* file in `folder`, named so that it sorts after those that are there.
// Numbers become scalars "<event>/<name>" at the event's step (32-bit floats, as TensorBoard keeps
// them), strings text summaries. Where earlier files are, a session-start record makes TensorBoard
// drop their steps after `resumed_step` (0: all of them). `start` is written unless a session
// before has. Error{io} when it cannot be opened; a
// failed write later warns once and does not stop training.
std::unique_ptr<MetricsSink> make_tensorboard_sink(const std::filesystem::path& folder,
                                                   std::int64_t resumed_step,
                                                   const TensorboardStart& start = {});

}  // namespace bertha
