// Reads files in pieces and words the errors of damaged compression.
#include "data_pipeline/text/compressed_input.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {
constexpr std::size_t kBufferBytes = 256 * 1024;
}  // namespace

RawFile::RawFile(std::string path, std::uint64_t begin, std::uint64_t end)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)),
      bytes_left_(end - begin) {
  if (!file_) throw_io_error("open", path_, errno);
  if (begin != 0 && ::lseek(file_.get(), static_cast<off_t>(begin), SEEK_SET) < 0) {
    throw_io_error("seek in", path_, errno);
  }
}

std::size_t RawFile::read(char* buffer, std::size_t capacity) {
  capacity = static_cast<std::size_t>(std::min<std::uint64_t>(capacity, bytes_left_));
  for (;;) {
    const ssize_t got = ::read(file_.get(), buffer, capacity);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_io_error("read", path_, errno);
    bytes_left_ -= static_cast<std::uint64_t>(got);
    bytes_read_ += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
}

std::string read_part(const std::string& path, std::uint64_t begin, std::uint64_t bytes) {
  RawFile file(path, begin, begin + bytes);
  std::string part(bytes, '\0');
  std::size_t filled = 0;
  while (filled < part.size()) {
    const std::size_t got = file.read(part.data() + filled, part.size() - filled);
    if (got == 0) break;
    filled += got;
  }
  part.resize(filled);
  return part;
}

CompressedInput::CompressedInput(std::string path, std::string format_name, std::uint64_t begin,
                                 std::uint64_t end)
    : file_(std::move(path), begin, end),
      begin_of_range_(begin),
      format_name_(std::move(format_name)),
      buffer_(kBufferBytes) {}

bool CompressedInput::available() {
  if (begin_ == end_) {
    begin_ = 0;
    end_ = file_.read(buffer_.data(), buffer_.size());
  }
  return begin_ < end_;
}

void CompressedInput::fail(const std::string& reason) const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: damaged {} data near byte {}: {}", file_.path(), format_name_,
                          begin_of_range_ + file_.bytes_read() - size(), reason),
              "fetch or compress the file again");
}

void CompressedInput::fail_truncated() const {
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: the {} data end in the middle, at byte {}", file_.path(),
                          format_name_, begin_of_range_ + file_.bytes_read()),
              "fetch or compress the file again: it is shorter than it was");
}

}  // namespace bertha
