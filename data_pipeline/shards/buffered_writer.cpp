// POSIX positioned reads and writes, complete or an error.
#include "data_pipeline/shards/buffered_writer.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <utility>

#include "parallel/base/error.h"

namespace bertha {
namespace {

// Small enough that those of a thread leave its second-level cache to what fills them.
constexpr std::size_t kBufferBytes = 1 << 16;

}  // namespace

FileDescriptor open_file(const std::filesystem::path& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!file) throw_io_error((flags & O_CREAT) != 0 ? "create" : "open", path.string(), errno);
  return file;
}

void read_at(int file, const std::string& path, std::uint64_t offset, void* data,
             std::size_t bytes) {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t got = ::pread(file, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_io_error("read", path, errno);
    if (got == 0) throw Error(ErrorKind::bad_data, path + ": the file ends too early");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
}

void write_at(int file, const std::string& path, std::uint64_t offset, const void* data,
              std::size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::pwrite(file, from, bytes, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_io_error("write", path, errno);
    from += put;
    offset += static_cast<std::uint64_t>(put);
    bytes -= static_cast<std::size_t>(put);
  }
}

void reserve_space(int file, const std::string& path, std::uint64_t bytes) {
  int result = 0;
  do {
    result = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  } while (result == EINTR);
  // Where it is not supported, a write will tell.
  if (result != 0 && result != EINVAL && result != EOPNOTSUPP)
    throw_io_error("write", path, result);
}

BufferedWriter::BufferedWriter(int file, std::string path, std::uint64_t offset)
    : file_(file),
      path_(std::move(path)),
      offset_(offset),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

void BufferedWriter::append(const void* data, std::size_t bytes) {
  if (bytes > kBufferBytes - filled_) flush();
  if (bytes >= kBufferBytes) {
    write(data, bytes);
  } else if (bytes > 0) {
    std::memcpy(buffer_.get() + filled_, data, bytes);
    filled_ += bytes;
  }
}

void BufferedWriter::flush() {
  const std::size_t bytes = std::exchange(filled_, 0);
  write(buffer_.get(), bytes);
}

void BufferedWriter::write(const void* data, std::size_t bytes) {
  write_at(file_, path_, offset_, data, bytes);
  offset_ += bytes;
}

}  // namespace bertha
