// Protocol buffers by hand: field numbers of tensorflow/core/util/event.proto and summary.proto.
#include "trainer/metrics/event_records.h"

#include <array>
#include <bit>
#include <cstring>

#include <nlohmann/json.hpp>

namespace bertha {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78U : 0U);
    table[byte] = crc;
  }
  return table;
}();

template <class Number>
void append_raw(std::string& bytes, Number number) {
  char raw[sizeof number];
  std::memcpy(raw, &number, sizeof number);
  bytes.append(raw, sizeof number);
}

std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

enum WireType : std::uint32_t { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

// A protobuf message under construction.
class Message {
 public:
  Message& number(std::uint32_t field, std::int64_t value) {
    key(field, varint);
    append_varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& real(std::uint32_t field, double value) {
    key(field, fixed64);
    append_raw(bytes_, value);
    return *this;
  }
  Message& real(std::uint32_t field, float value) {
    key(field, fixed32);
    append_raw(bytes_, value);
    return *this;
  }
  Message& bytes(std::uint32_t field, std::string_view value) {
    key(field, length_delimited);
    append_varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return bytes(field, value.bytes_); }
  std::string take() { return std::move(bytes_); }

 private:
  void key(std::uint32_t field, WireType type) { append_varint(field << 3 | type); }
  void append_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

Message stamped(const EventStamp& stamp) {
  Message event;
  event.real(1, stamp.wall_time).number(2, stamp.step);
  return event;
}

// TensorBoard refuses a file with strings that are not UTF-8; broken bytes become U+FFFD.
std::string as_utf8(const std::string& text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

// google.protobuf.Value
Message json_value(const MetricValue& value) {
  Message message;
  if (const auto* text = std::get_if<std::string>(&value)) return message.bytes(3, as_utf8(*text));
  if (const auto* flag = std::get_if<bool>(&value)) return message.number(4, *flag);
  const auto* whole = std::get_if<std::int64_t>(&value);
  return message.real(2, whole ? static_cast<double>(*whole) : std::get<double>(value));
}

void set_value(Message& value, const std::string& text) {
  Message plugin, metadata, dimension, shape, tensor;
  plugin.bytes(1, "text");         // PluginData.plugin_name
  metadata.message(1, plugin);     // SummaryMetadata.plugin_data
  dimension.number(1, 1);          // TensorShapeProto.Dim.size
  shape.message(2, dimension);     // TensorShapeProto.dim
  tensor.number(1, 7);             // TensorProto.dtype = DT_STRING
  tensor.message(2, shape);        // TensorProto.tensor_shape
  tensor.bytes(8, as_utf8(text));  // TensorProto.string_val
  value.message(8, tensor).message(9, metadata);
}

template <class Number>
void set_value(Message& value, Number number) {
  value.real(2, static_cast<float>(number));  // Value.simple_value
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFFU];
  }
  return ~crc;
}

std::string tfrecord(std::string_view payload) {
  std::string record;
  append_raw(record, static_cast<std::uint64_t>(payload.size()));
  append_raw(record, masked_crc(record));
  record += payload;
  append_raw(record, masked_crc(payload));
  return record;
}

std::string file_version_event(double wall_time) {
  return Message().real(1, wall_time).bytes(3, "brain.Event:2").take();
}

std::string session_start_event(const EventStamp& stamp) {
  Message log;
  log.number(1, 1);  // SessionLog.status = START
  return stamped(stamp).message(7, log).take();
}

std::string summary_event(const EventStamp& stamp, std::string_view prefix,
                          std::span<const std::pair<std::string, MetricValue>> values) {
  Message summary;
  for (const auto& [name, value] : values) {
    Message entry;
    entry.bytes(1, as_utf8(std::string(prefix) + "/" + name));  // Value.tag
    std::visit([&](const auto& held) { set_value(entry, held); }, value);
    summary.message(1, entry);
  }
  return stamped(stamp).message(5, summary).take();
}

std::string hyper_parameters_event(
    double wall_time, std::span<const std::pair<std::string, MetricValue>> hyper_parameters) {
  Message session, data, plugin, metadata, dimension, shape, tensor, value, summary;
  for (const auto& [name, held] : hyper_parameters) {
    Message entry;  // of map<string, google.protobuf.Value> hparams
    entry.bytes(1, as_utf8(name)).message(2, json_value(held));
    session.message(1, entry);
  }
  session.real(5, wall_time);                        // SessionStartInfo.start_time_secs
  data.number(1, 0).message(3, session);             // version, session_start_info
  plugin.bytes(1, "hparams").bytes(2, data.take());  // PluginData.plugin_name, content
  metadata.message(1, plugin);                       // SummaryMetadata.plugin_data
  dimension.number(1, 0);                            // the tensor is empty: nothing is in it
  shape.message(2, dimension);
  tensor.number(1, 1).message(2, shape);  // DT_FLOAT
  value.bytes(1, "_hparams_/session_start_info").message(8, tensor).message(9, metadata);
  summary.message(1, value);
  return stamped({wall_time, 0}).message(5, summary).take();
}

}  // namespace bertha
