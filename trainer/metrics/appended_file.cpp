// POSIX appends that are whole or undone.
#include "trainer/metrics/appended_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>

#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

// 0, or the errno of the write that failed.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

AppendedFile::AppendedFile(std::filesystem::path path, Open how) : path_(std::move(path)) {
  const int create = O_CREAT | (how == Open::fresh ? O_EXCL : 0);
  file_ = UniqueHandle<int, ::close, -1>(
      ::open(path_.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | create, 0666));
  if (!file_) throw_io_error("open", path_.string(), errno);
  if (how == Open::continue_) cut_torn_line();
}

// Looks for the last newline from the end, a block at a time.
void AppendedFile::cut_torn_line() {
  const off_t size = ::lseek(file_.get(), 0, SEEK_END);
  if (size < 0) throw_io_error("read", path_.string(), errno);
  std::array<char, 4096> block;
  off_t end = size;
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
    const auto wanted = static_cast<std::size_t>(end - begin);
    const ssize_t got = ::pread(file_.get(), block.data(), wanted, begin);
    if (got != static_cast<ssize_t>(wanted)) {
      throw_io_error("read", path_.string(), got < 0 ? errno : EIO);
    }
    const auto newline = std::string_view(block.data(), wanted).rfind('\n');
    end = newline == std::string_view::npos ? begin : begin + static_cast<off_t>(newline) + 1;
    if (newline != std::string_view::npos) break;
  }
  if (end == size) return;
  if (::ftruncate(file_.get(), end) != 0) throw_io_error("cut", path_.string(), errno);
  log_warning(path_.string() + ": cut off a last line that was never finished");
}

void AppendedFile::append(std::string_view record) {
  const off_t before = ::lseek(file_.get(), 0, SEEK_END);
  const int error = write_all(file_.get(), record);
  if (error == 0) return;
  // Best effort: a torn record would spoil the next one too.
  if (before < 0 || ::ftruncate(file_.get(), before) != 0) return warn(error);
  warn(error);
}

void AppendedFile::warn(int error_number) {
  if (warned_) return;
  warned_ = true;
  log_warning("cannot write " + path_.string() + ": " + errno_text(error_number) +
              "; training goes on, records are lost until it can be written again");
}

}  // namespace bertha
