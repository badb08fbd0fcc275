// Appends to a file from a given place on, through a buffer: several may fill parts of one file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <unistd.h>

#include "parallel/base/unique_handle.h"

namespace bertha {

using FileDescriptor = UniqueHandle<int, ::close, -1>;

// `flags` as of open(2). Error{io}.
FileDescriptor open_file(const std::filesystem::path& path, int flags);
// Exactly `bytes` from `offset` on. Error{io}; Error{bad_data} when the file ends before.
void read_at(int file, const std::string& path, std::uint64_t offset, void* data,
             std::size_t bytes);
// All of it, from `offset` on. Error{io}.
void write_at(int file, const std::string& path, std::uint64_t offset, const void* data,
              std::size_t bytes);
// Makes sure that the file can grow to `bytes`. Error{io} when the disk is full.
void reserve_space(int file, const std::string& path, std::uint64_t bytes);

class BufferedWriter {
 public:
  // `file` must outlive the writer, which does not close it.
  BufferedWriter(int file, std::string path, std::uint64_t offset);

  void append(const void* data, std::size_t bytes);
  void flush();  // not called by the destructor, which cannot say that it failed
  std::uint64_t end() const { return offset_ + filled_; }

 private:
  void write(const void* data, std::size_t bytes);

  int file_;
  std::string path_;
  std::uint64_t offset_;  // of the first byte in the buffer
  std::unique_ptr<char[]> buffer_;
  std::size_t filled_ = 0;
};

}  // namespace bertha
