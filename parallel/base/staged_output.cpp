// POSIX writes with fsync, and renames as commits.
#include "parallel/base/staged_output.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_file.h"
#include "parallel/base/unique_handle.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

using FileDescriptor = UniqueHandle<int, ::close, -1>;

FileDescriptor open_or_throw(const fs::path& path, int flags, const char* action) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (!file) throw_io_error(action, path.string(), errno);
  return file;
}

void write_all(int file, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_io_error("write", path.string(), errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void rename_or_throw(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw_io_error("rename " + from.string() + " to", to.string(), errno);
  }
}

fs::path parent_of(const fs::path& path) {
  const auto parent = path.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

void create_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_io_error("create folder", path.string(), error.value());
}

// Where the old folder waits while it is replaced on a file system that cannot exchange names.
fs::path aside_of(const fs::path& final_path) {
  return final_path.string() + ".replaced";
}

// Where an old folder goes while it is removed.
fs::path doomed_of(const fs::path& final_path) {
  return final_path.string() + ".deleted";
}

// Under a name of its own: what is half removed must not be taken for leftovers to go on with, nor
// for the old folder to be put back.
void remove_replaced(const fs::path& old, const fs::path& final_path) {
  const fs::path doomed = doomed_of(final_path);
  std::error_code ignored;
  fs::remove_all(doomed, ignored);
  const bool renamed = ::rename(old.c_str(), doomed.c_str()) == 0;
  fs::remove_all(renamed ? doomed : old, ignored);
}

// Both names exist afterwards, with each other's content. False where that is not possible.
bool exchange_names(const fs::path& one, const fs::path& other) {
  return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

void replace_by_moving_aside(const fs::path& staging, const fs::path& final_path) {
  const fs::path aside = aside_of(final_path);
  std::error_code ignored;
  fs::remove_all(aside, ignored);
  rename_or_throw(final_path, aside);
  try {
    rename_or_throw(staging, final_path);
  } catch (...) {
    if (::rename(aside.c_str(), final_path.c_str()) != 0) {
      log_warning("the old " + final_path.string() + " is now " + aside.string());
    }
    throw;
  }
  flush_to_disk(parent_of(final_path));
  remove_replaced(aside, final_path);
}

}  // namespace

std::string read_file(const fs::path& path) {
  const auto file = open_or_throw(path, O_RDONLY, "open");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io_error("read", path.string(), errno);
  if (S_ISDIR(status.st_mode)) throw_io_error("read", path.string(), EISDIR);
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(status.st_size));
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_io_error("read", path.string(), errno);
    if (got == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  const auto file = open_or_throw(path, O_WRONLY | O_CREAT | O_TRUNC, "create");
  write_all(file.get(), bytes, path);
  if (::fsync(file.get()) != 0) throw_io_error("flush", path.string(), errno);
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  StagedFile file(path);
  file.append(bytes);
  file.publish();
}

void flush_to_disk(const fs::path& path) {
  const auto file = open_or_throw(path, O_RDONLY, "open");
  // Some network file systems refuse fsync on folders; the rename still holds there.
  if (::fsync(file.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    throw_io_error("flush", path.string(), errno);
  }
}

StagedFile::StagedFile(fs::path final_path)
    : final_(std::move(final_path)),
      staging_(final_.string() + ".staging-" + std::to_string(::getpid())) {
  create_folders(parent_of(final_));
  file_ = open_or_throw(staging_, O_WRONLY | O_CREAT | O_TRUNC, "create");
}

StagedFile::~StagedFile() {
  if (!published_) ::unlink(staging_.c_str());
}

void StagedFile::append(std::string_view bytes) {
  write_all(file_.get(), bytes, staging_);
}

void StagedFile::publish() {
  if (::fsync(file_.get()) != 0) throw_io_error("flush", staging_.string(), errno);
  rename_or_throw(staging_, final_);
  published_ = true;
  flush_to_disk(parent_of(final_));
}

void finish_killed_publish(const fs::path& final_path) {
  const fs::path aside = aside_of(final_path), doomed = doomed_of(final_path);
  std::error_code error;
  if (fs::exists(final_path, error)) {
    fs::remove_all(aside, error);  // its successor is there
  } else if (::rename(aside.c_str(), final_path.c_str()) == 0) {
    log_warning("put back " + final_path.string() + ", which a killed run had moved aside");
  }
  fs::remove_all(doomed, error);
}

StagedFolder::StagedFolder(fs::path final_path, bool create, bool keep_leftovers)
    : final_(std::move(final_path)), owner_(create) {
  if (final_.filename().empty()) final_ = final_.parent_path();  // "out/" means "out"
  staging_ = final_.string() + ".staging";
  if (!create) return;
  finish_killed_publish(final_);
  std::error_code error;
  if (!keep_leftovers) fs::remove_all(staging_, error);  // left by a run that was killed
  create_folders(staging_);
}

StagedFolder::~StagedFolder() {
  if (!owner_) return;
  std::error_code error;
  fs::remove_all(staging_, error);
  if (error) log_warning("cannot remove " + staging_.string() + ": " + error.message());
}

void StagedFolder::publish() {
  for (const auto& entry : fs::recursive_directory_iterator(staging_)) {
    if (entry.is_regular_file()) flush_to_disk(entry.path());
  }
  flush_to_disk(staging_);
  if (!fs::exists(final_)) {
    rename_or_throw(staging_, final_);
    flush_to_disk(parent_of(final_));
  } else if (exchange_names(staging_, final_)) {
    flush_to_disk(parent_of(final_));
    remove_replaced(staging_, final_);
  } else {
    replace_by_moving_aside(staging_, final_);
  }
  owner_ = false;
}

}  // namespace bertha
