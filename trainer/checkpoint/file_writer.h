// Writes one file from front to back, computing its checksum on the way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "parallel/base/sha256.h"

namespace bertha {

// Called with the bytes of every piece that was written or read, for progress. What it throws ends
// the work, so it can be given up in the middle of a large file.
using PieceDone = std::function<void(std::uint64_t bytes)>;

// What a written file must look like when it is read back.
struct WrittenFile {
  std::string name;  // without folder
  std::uint64_t bytes = 0;
  std::string sha256;
  bool operator==(const WrittenFile&) const = default;
};

// Error{io} for anything that fails; the file is left for whoever owns its folder to remove.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path, PieceDone piece_done = {});
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // Flushes now and then: the whole of a large file in one flush would look like a hang.
  void write(std::string_view bytes);
  WrittenFile finish();  // flushes to disk and closes

 private:
  std::filesystem::path path_;
  PieceDone piece_done_;
  int file_ = -1;
  std::uint64_t bytes_ = 0, flushed_ = 0;
  Sha256 hash_;
};

// So that the next read comes from the disk, as far as the system listens to us.
void drop_from_cache(const std::filesystem::path& path);

}  // namespace bertha
