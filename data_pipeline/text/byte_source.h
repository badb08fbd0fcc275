// A file's bytes, decompressed while they are read, in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "data_pipeline/text/input_files.h"

namespace bertha {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills up to `capacity` bytes; returns 0 at the end. Error{bad_data} names the file when the
  // compressed stream is damaged or truncated.
  virtual std::size_t read(char* buffer, std::size_t capacity) = 0;
  virtual std::uint64_t compressed_bytes_read() const = 0;  // for progress
};

// How far back the file's decompressor must look, where that can be much (zstd); else 0.
std::uint64_t window_bytes(const InputFile& file);

// Just what lies between `file.begin` and `file.end` (input_source.h makes a dump of it). gzip:
// several members one after another; bzip2: several streams (multistream dumps); zstd: several
// frames, with windows of up to 128 MiB.
std::unique_ptr<ByteSource> open_file_range(const InputFile& file);

}  // namespace bertha
