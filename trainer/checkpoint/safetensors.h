// The safetensors file format (huggingface/safetensors, format 0.4): an 8-byte little-endian header
// length, a JSON header, then tensors. Every file is hostile until checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "trainer/checkpoint/file_writer.h"

namespace bertha {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Writes and flushes; tensors are on the CPU or copied there one by one; names are unique. Tensors
// of wider types come first, so that each is aligned to its elements; otherwise in the given order.
WrittenFile write_safetensors(const std::filesystem::path& path,
                              const std::vector<NamedTensor>& tensors,
                              const std::map<std::string, std::string>& metadata,
                              const PieceDone& piece_done = {});

// Opens a file and checks its header. Error{bad_data} names the file and what is wrong: header
// longer than the file or 100 MB, not JSON, unknown dtype, ranges that overlap, leave the file,
// leave holes or do not fit the shape, duplicate names.
class SafetensorsFile {
 public:
  struct Entry {
    std::string name, dtype;  // "F32", "BF16" ...
    std::vector<std::int64_t> shape;
  };
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;

  const std::vector<Entry>& entries() const;  // in file order
  const std::map<std::string, std::string>& metadata() const;
  bool contains(const std::string& name) const;
  at::Tensor read(const std::string& name) const;  // a copy of its own; Error{bad_data} if absent

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
