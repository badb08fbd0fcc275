// A file's raw bytes in a refillable buffer: what the decompressors consume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "data_pipeline/text/byte_source.h"
#include "parallel/base/unique_handle.h"

namespace bertha {

// Sequential reads from a file, or from a part of it; Error{io} names the path.
class RawFile {
 public:
  explicit RawFile(std::string path, std::uint64_t begin = 0, std::uint64_t end = UINT64_MAX);
  std::size_t read(char* buffer, std::size_t capacity);  // 0 at the end
  std::uint64_t bytes_read() const { return bytes_read_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueHandle<int, ::close, -1> file_;
  std::uint64_t bytes_left_;
  std::uint64_t bytes_read_ = 0;
};

// Up to `bytes` of the file from `begin` on, fewer only at its end; as they are, not decompressed.
std::string read_part(const std::string& path, std::uint64_t begin, std::uint64_t bytes);

class CompressedInput {
 public:
  // Of the bytes from `begin` to `end` of the file.
  CompressedInput(std::string path, std::string format_name, std::uint64_t begin = 0,
                  std::uint64_t end = UINT64_MAX);

  // True when at least one byte is there to consume; reads from the file when the buffer is empty.
  bool available();
  const char* data() const { return buffer_.data() + begin_; }
  std::size_t size() const { return end_ - begin_; }
  void consume(std::size_t bytes) { begin_ += bytes; }

  std::uint64_t bytes_read() const { return file_.bytes_read(); }
  [[noreturn]] void fail(const std::string& reason) const;  // Error{bad_data}: file, byte, reason
  [[noreturn]] void fail_truncated() const;
  const std::string& path() const { return file_.path(); }

 private:
  RawFile file_;
  std::uint64_t begin_of_range_;
  std::string format_name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

std::unique_ptr<ByteSource> make_gzip_source(const std::string& path);
std::unique_ptr<ByteSource> make_bzip2_source(const std::string& path, std::uint64_t begin,
                                              std::uint64_t end);
std::unique_ptr<ByteSource> make_zstd_source(const std::string& path);
// Of the first frame, as its header has it; 0 where there is none.
std::uint64_t zstd_window_bytes(const std::string& path);

}  // namespace bertha
