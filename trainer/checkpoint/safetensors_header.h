// The JSON header of a safetensors file: tensors with type, shape and place, checked in full.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace bertha {

struct SafetensorsEntry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // bytes into the data that follow the header
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by place in the file
  std::map<std::string, std::string> metadata;
};

inline constexpr std::uint64_t kLargestSafetensorsHeader =
    100'000'000;  // bytes, as the format says

// Error{bad_data} names `file` and the first fault; `data_bytes` follow the header.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                           const std::string& file);
// Padded with spaces so that the data begin at a multiple of 8.
std::string safetensors_header_json(const SafetensorsHeader& header);

// "F32" and so on. Error{bad_data}, Error{internal} for a type the format or we do not have.
at::ScalarType safetensors_type(const std::string& dtype, const std::string& file);
std::string safetensors_dtype(at::ScalarType type);

// A name from a file, fit for a one-line message: control characters replaced, not too long.
std::string shown(std::string_view name);

}  // namespace bertha
