// POSIX writes, so that a full disk is noticed and named.
#include "trainer/checkpoint/file_writer.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "parallel/base/error.h"
#include "parallel/base/fault.h"
#include "parallel/base/unique_handle.h"

namespace bertha {

FileWriter::FileWriter(std::filesystem::path path, PieceDone piece_done)
    : path_(std::move(path)), piece_done_(std::move(piece_done)) {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) throw_io_error("create", path_.string(), errno);
}

FileWriter::~FileWriter() {
  if (file_ >= 0) ::close(file_);
}

void FileWriter::write(std::string_view bytes) {
  constexpr std::size_t kPiece = 1 << 20;  // hashed while it is still in the cache
  constexpr std::uint64_t kFlush = 64 << 20;
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), std::min(bytes.size(), kPiece));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_io_error("write", path_.string(), errno);
    hash_.update(bytes.data(), static_cast<std::size_t>(written));
    bytes_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    if (bytes_ - flushed_ >= kFlush) {
      if (::fdatasync(file_) != 0) throw_io_error("flush", path_.string(), errno);
      flushed_ = bytes_;
    }
    if (piece_done_) piece_done_(static_cast<std::uint64_t>(written));
  }
}

WrittenFile FileWriter::finish() {
  inject_fault("save");
  if (::fsync(file_) != 0) throw_io_error("flush", path_.string(), errno);
  // Network file systems report what went wrong with earlier writes here.
  if (::close(std::exchange(file_, -1)) != 0 && errno != EINTR) {
    throw_io_error("close", path_.string(), errno);
  }
  return {path_.filename().string(), bytes_, hash_.hex()};
}

void drop_from_cache(const std::filesystem::path& path) {
  const UniqueHandle<int, ::close, -1> file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace bertha
