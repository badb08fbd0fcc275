// The file of one unit of the input (prepare_units.h): several streams of bytes side by side.
//
//   spill-00000.unfinished  while it is written
//   spill-00000.done        whole; the rename is what makes it count
//
// Extents of 64 KiB, each of one stream, in the order in which they were filled; then what is left
// of each stream; then what the owner has to say, and length, checksum and extents of each stream;
// at last the length of these words and their SHA-256, in hexadecimal. One file for all streams,
// because the kernel takes longer to make and remove small files than to fill them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/prepare/spill_checksum.h"
#include "data_pipeline/shards/buffered_writer.h"

namespace bertha {

enum class SpillStream { tokens, sentences, documents, digests };
inline constexpr std::size_t kSpillStreams = 4;

class SpillFileWriter {
 public:
  SpillFileWriter(const std::filesystem::path& folder, std::size_t unit);

  void append(SpillStream stream, const void* data, std::size_t bytes);
  // Not flushed to disk: what a machine that fails leaves of it does not check out (find_whole).
  void finish(std::string_view words);

 private:
  struct Stream {
    std::unique_ptr<char[]> buffer;  // of an extent, when the stream has any bytes
    std::size_t filled = 0;
    std::vector<std::uint64_t> extents;  // where in the file each begins
    SpillChecksum checksum;
  };

  std::filesystem::path path_, unfinished_;
  FileDescriptor file_;
  std::uint64_t end_ = 0;
  std::array<Stream, kSpillStreams> streams_;
};

// Movable; may be read from one thread at a time.
class SpillFile {
 public:
  // Error{io}, Error{bad_data}: it was whole when its unit was found to be done.
  SpillFile(const std::filesystem::path& folder, std::size_t unit);
  // Nothing unless the file is there and every byte of it as it was written.
  static std::optional<SpillFile> find_whole(const std::filesystem::path& folder, std::size_t unit);

  const std::string& words() const { return words_; }  // of the writer's finish()
  std::uint64_t bytes(SpillStream stream) const { return of(stream).bytes; }
  void read(SpillStream stream, std::uint64_t offset, void* to, std::size_t bytes) const;

 private:
  struct Stream {
    std::uint64_t bytes = 0, checksum = 0;
    std::vector<std::uint64_t> extents;
  };

  SpillFile(std::string path, FileDescriptor file);
  const Stream& of(SpillStream stream) const { return streams_[static_cast<std::size_t>(stream)]; }
  bool checks_out(SpillStream stream) const;

  std::string path_;
  FileDescriptor file_;
  std::string words_;
  std::array<Stream, kSpillStreams> streams_;
};

}  // namespace bertha
