// Bytes of TensorBoard event files: TFRecord framing and the few Event protobufs that we write.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "trainer/metrics/metrics_sink.h"

namespace bertha {

// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as RFC 3720 appendix B.4 checks it.
std::uint32_t crc32c(std::string_view bytes);

// One record: length (8 bytes), its masked CRC, the payload, its masked CRC; little-endian. The
// mask rotates by 15 bits and adds 0xA282EAD8, so that a CRC of bytes that hold CRCs stays good.
std::string tfrecord(std::string_view payload);

struct EventStamp {
  double wall_time = 0;  // seconds since 1970
  std::int64_t step = 0;
};

std::string file_version_event(double wall_time);  // "brain.Event:2", the first of a file
// TensorBoard forgets steps from `stamp.step` on that earlier files hold.
std::string session_start_event(const EventStamp& stamp);
// Numbers become scalars, strings text summaries, all named "<prefix>/<name>".
std::string summary_event(const EventStamp& stamp, std::string_view prefix,
                          std::span<const std::pair<std::string, MetricValue>> values);
// What TensorBoard's HPARAMS page shows of a run (tensorboard/plugins/hparams/plugin_data.proto).
std::string hyper_parameters_event(
    double wall_time, std::span<const std::pair<std::string, MetricValue>> hyper_parameters);

}  // namespace bertha
