// Parses and writes safetensors headers; nothing in one is believed before it is checked.
#include "trainer/checkpoint/safetensors_header.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"

namespace bertha {
namespace {

using Json = nlohmann::json;  // not ordered_json, whose look-up is linear: a header may be huge

constexpr std::size_t kMostDimensions = 64;
constexpr std::array<std::pair<const char*, at::ScalarType>, 15> kTypes{{
    {"F32", at::kFloat},
    {"BF16", at::kBFloat16},
    {"F16", at::kHalf},
    {"F64", at::kDouble},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
    {"U16", at::kUInt16},
    {"U32", at::kUInt32},
    {"U64", at::kUInt64},
    {"F8_E4M3", at::kFloat8_e4m3fn},
    {"F8_E5M2", at::kFloat8_e5m2},
}};

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw Error(ErrorKind::bad_data, file + ": " + what,
              "the file is damaged or no safetensors file: get it anew");
}

// Parses, refusing double names and nesting deeper than the format knows.
Json parse_json(std::string_view text, const std::string& file) {
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 4) fail(file, "header is nested deeper than a safetensors header can be");
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& name = value.get_ref<const std::string&>();
      if (!names.back().insert(name).second) fail(file, "header has '" + shown(name) + "' twice");
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::parse_error& error) {
    fail(file, fmt::format("header is not JSON, at byte {}", error.byte));
  } catch (const Json::exception&) {
    fail(file, "header is not JSON");
  }
}

std::uint64_t whole_number(const Json& value, const std::string& name, const std::string& file) {
  if (!value.is_number_unsigned()) {
    fail(file, "tensor '" + shown(name) + "': a size or place is not a whole number");
  }
  return value.get<std::uint64_t>();
}

const Json& field(const Json& tensor, const char* key, const std::string& name,
                  const std::string& file) {
  const auto found = tensor.find(key);
  if (found == tensor.end()) {
    fail(file, fmt::format("tensor '{}' has no {}", shown(name), key));
  }
  return *found;
}

// Bytes that a tensor of this shape takes. Sizes that cannot be multiplied are refused even where
// another size is zero.
std::uint64_t bytes_of(const SafetensorsEntry& entry, const std::string& file) {
  std::uint64_t bytes = c10::elementSize(safetensors_type(entry.dtype, file));
  bool empty = false;
  for (const auto size : entry.shape) {
    empty = empty || size == 0;
    const auto factor = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (__builtin_mul_overflow(bytes, factor, &bytes) || bytes > INT64_MAX) {
      fail(file, "tensor '" + shown(entry.name) + "': its shape is impossibly large");
    }
  }
  return empty ? 0 : bytes;
}

SafetensorsEntry parse_entry(const std::string& name, const Json& tensor, const std::string& file) {
  if (!tensor.is_object()) fail(file, "tensor '" + shown(name) + "' is not an object");
  SafetensorsEntry entry{name, {}, {}};
  const auto& dtype = field(tensor, "dtype", name, file);
  if (!dtype.is_string()) fail(file, "tensor '" + shown(name) + "': dtype is not a text");
  entry.dtype = dtype.get<std::string>();
  const auto& shape = field(tensor, "shape", name, file);
  if (!shape.is_array() || shape.size() > kMostDimensions) {
    fail(file, "tensor '" + shown(name) + "': shape is not a list of sizes");
  }
  for (const auto& size : shape) {
    const auto number = whole_number(size, name, file);
    if (number > INT64_MAX) fail(file, "tensor '" + shown(name) + "': a size is impossibly large");
    entry.shape.push_back(static_cast<std::int64_t>(number));
  }
  const auto& offsets = field(tensor, "data_offsets", name, file);
  if (!offsets.is_array() || offsets.size() != 2) {
    fail(file, "tensor '" + shown(name) + "': data_offsets are not a pair");
  }
  entry.begin = whole_number(offsets[0], name, file);
  entry.end = whole_number(offsets[1], name, file);
  const auto bytes = bytes_of(entry, file);
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    fail(file, fmt::format("tensor '{}': data_offsets [{}, {}] do not fit its {} bytes",
                           shown(name), entry.begin, entry.end, bytes));
  }
  return entry;
}

void parse_metadata(const Json& json, SafetensorsHeader& header, const std::string& file) {
  if (json.is_null()) return;
  if (!json.is_object()) fail(file, "__metadata__ is not an object");
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) fail(file, "__metadata__: '" + shown(name) + "' is not a text");
    header.metadata[name] = value.get<std::string>();
  }
}

// The data are covered from front to back, each byte once.
void check_places(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_bytes,
                  const std::string& file) {
  std::uint64_t covered = 0;
  for (const auto& entry : entries) {
    if (entry.begin < covered) fail(file, "tensor '" + shown(entry.name) + "' overlaps another");
    if (entry.begin > covered) {
      fail(file, fmt::format("{} unused bytes before tensor '{}'", entry.begin - covered,
                             shown(entry.name)));
    }
    if (entry.end > data_bytes) {
      fail(file,
           fmt::format("is truncated: tensor '{}' ends at byte {} of the data, which end at {}",
                       shown(entry.name), entry.end, data_bytes));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    fail(file, fmt::format("{} unused bytes after the last tensor", data_bytes - covered));
  }
}

}  // namespace

std::string shown(std::string_view name) {
  constexpr std::size_t kLongest = 100;
  std::string text(name.substr(0, kLongest));
  for (auto& letter : text) {
    if (static_cast<unsigned char>(letter) < 32 || letter == 127) letter = '?';
  }
  return name.size() > kLongest ? text + "..." : text;
}

at::ScalarType safetensors_type(const std::string& dtype, const std::string& file) {
  for (const auto& [name, type] : kTypes) {
    if (dtype == name) return type;
  }
  fail(file, "unknown dtype '" + shown(dtype) + "'");
}

std::string safetensors_dtype(at::ScalarType type) {
  for (const auto& [name, known] : kTypes) {
    if (type == known) return name;
  }
  throw Error(ErrorKind::internal, std::string("safetensors have no type ") + c10::toString(type));
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& file) {
  // The format forbids white space in front, which tells it from other JSON.
  if (json.empty() || json.front() != '{') fail(file, "header does not begin with '{'");
  const auto root = parse_json(json, file);
  SafetensorsHeader header;
  for (const auto& [name, value] : root.items()) {
    if (name == "__metadata__") {
      parse_metadata(value, header, file);
    } else {
      header.entries.push_back(parse_entry(name, value, file));
    }
  }
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  check_places(header.entries, data_bytes, file);
  return header;
}

std::string safetensors_header_json(const SafetensorsHeader& header) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) root["__metadata__"] = header.metadata;
  for (const auto& entry : header.entries) {
    root[entry.name] = {
        {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
  }
  auto text = root.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace bertha
