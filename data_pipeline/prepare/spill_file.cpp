// Streams to extents, and back.
#include "data_pipeline/prepare/spill_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "data_pipeline/prepare/prepare_message.h"
#include "parallel/base/error.h"
#include "parallel/base/sha256.h"

namespace bertha {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kExtentBytes = 1 << 16;
constexpr std::size_t kLengthDigits = 16, kSha256Digits = 64;
constexpr std::size_t kFooterBytes = kLengthDigits + kSha256Digits;

fs::path path_of(const fs::path& folder, std::size_t unit, const char* extension) {
  return folder / fmt::format("spill-{:05}.{}", unit, extension);
}

// The words of the end, or nothing when they are not those that were written.
std::optional<std::string> read_end(int file, const std::string& path, std::uint64_t file_bytes) {
  if (file_bytes < kFooterBytes) return {};
  char footer[kFooterBytes];
  read_at(file, path, file_bytes - kFooterBytes, footer, kFooterBytes);
  std::uint64_t length = 0;
  const auto parsed = std::from_chars(footer, footer + kLengthDigits, length, 16);
  if (parsed.ptr != footer + kLengthDigits || length > file_bytes - kFooterBytes) return {};
  std::string end(length, '\0');
  read_at(file, path, file_bytes - kFooterBytes - length, end.data(), length);
  if (sha256_hex(end) != std::string_view(footer + kLengthDigits, kSha256Digits)) return {};
  return end;
}

}  // namespace

SpillFileWriter::SpillFileWriter(const fs::path& folder, std::size_t unit)
    : path_(path_of(folder, unit, "done")),
      unfinished_(path_of(folder, unit, "unfinished")),
      file_(open_file(unfinished_, O_WRONLY | O_CREAT | O_TRUNC)) {}

void SpillFileWriter::append(SpillStream to, const void* data, std::size_t bytes) {
  Stream& stream = streams_[static_cast<std::size_t>(to)];
  stream.checksum.update(data, bytes);
  for (const char* from = static_cast<const char*>(data); bytes > 0;) {
    if (!stream.buffer) stream.buffer = std::make_unique_for_overwrite<char[]>(kExtentBytes);
    if (stream.filled == kExtentBytes) {
      write_at(file_.get(), unfinished_, end_, stream.buffer.get(), kExtentBytes);
      stream.extents.push_back(end_);
      end_ += std::exchange(stream.filled, 0);
    }
    const std::size_t more = std::min(bytes, kExtentBytes - stream.filled);
    std::memcpy(stream.buffer.get() + stream.filled, from, more);
    stream.filled += more;
    from += more;
    bytes -= more;
  }
}

void SpillFileWriter::finish(std::string_view words) {
  std::string rest, end;
  put_text(end, words);
  for (Stream& stream : streams_) {
    put_number(end, stream.extents.size() * kExtentBytes + stream.filled);
    put_number(end, stream.checksum.value());
    if (stream.filled > 0) stream.extents.push_back(end_ + rest.size());
    rest.append(stream.buffer.get(), stream.filled);
    for (const std::uint64_t extent : stream.extents) put_number(end, extent);
  }
  rest += end;
  rest += fmt::format("{:0{}x}", end.size(), kLengthDigits) + sha256_hex(end);
  write_at(file_.get(), unfinished_, end_, rest.data(), rest.size());
  if (std::rename(unfinished_.c_str(), path_.c_str()) != 0) {
    throw_io_error("rename", unfinished_.string(), errno);
  }
}

SpillFile::SpillFile(std::string path, FileDescriptor file)
    : path_(std::move(path)), file_(std::move(file)) {
  const auto end = read_end(file_.get(), path_, fs::file_size(path_));
  if (!end) throw Error(ErrorKind::bad_data, path_ + ": not what was written there");
  MessageReader message(*end);
  words_ = message.text();
  for (Stream& stream : streams_) {
    stream.bytes = message.number();
    stream.checksum = message.number();
    stream.extents.resize((stream.bytes + kExtentBytes - 1) / kExtentBytes);
    for (std::uint64_t& extent : stream.extents) extent = message.number();
  }
}

SpillFile::SpillFile(const fs::path& folder, std::size_t unit)
    : SpillFile(path_of(folder, unit, "done").string(),
                open_file(path_of(folder, unit, "done"), O_RDONLY)) {}

void SpillFile::read(SpillStream stream, std::uint64_t offset, void* to, std::size_t bytes) const {
  if (offset > of(stream).bytes || bytes > of(stream).bytes - offset) {
    throw Error(ErrorKind::bad_data, path_ + ": fewer bytes than its documents have");
  }
  for (char* at = static_cast<char*>(to); bytes > 0;) {
    const std::uint64_t extent = of(stream).extents[offset / kExtentBytes];
    const std::uint64_t begin = offset % kExtentBytes;
    const auto some =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kExtentBytes - begin));
    read_at(file_.get(), path_, extent + begin, at, some);
    at += some;
    offset += some;
    bytes -= some;
  }
}

bool SpillFile::checks_out(SpillStream stream) const {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kExtentBytes);
  SpillChecksum checksum;
  for (std::uint64_t offset = 0; offset < bytes(stream);) {
    const auto some =
        static_cast<std::size_t>(std::min<std::uint64_t>(kExtentBytes, bytes(stream) - offset));
    read(stream, offset, buffer.get(), some);
    checksum.update(buffer.get(), some);
    offset += some;
  }
  return checksum.value() == of(stream).checksum;
}

std::optional<SpillFile> SpillFile::find_whole(const fs::path& folder, std::size_t unit) {
  std::error_code error;
  if (!fs::exists(path_of(folder, unit, "done"), error)) return {};
  try {
    SpillFile file(folder, unit);
    for (std::size_t stream = 0; stream < kSpillStreams; ++stream) {
      if (!file.checks_out(static_cast<SpillStream>(stream))) return {};
    }
    return file;
  } catch (const Error& damage) {
    if (damage.kind() == ErrorKind::bad_data) return {};
    throw;
  }
}

}  // namespace bertha
