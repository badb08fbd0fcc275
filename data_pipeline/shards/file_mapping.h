// A file mapped for reading, so that touching any place of a large one is cheap. It is aligned as
// huge pages are, which a kernel that reads files by them then maps as they are (Linux 6.16 with
// ext4 or xfs): the processor finds their addresses in its tables. Pages are mapped ahead, many at
// a time; or it is said which will be read.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>

namespace bertha {

class FileMapping {
 public:
  explicit FileMapping(const std::filesystem::path& path);  // Error{io}
  ~FileMapping();
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;

  const char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  // Maps all of it, piece by piece, and reads what the page cache lacks; or only the pieces that
  // lie there, but for single pages. For a thread in the background: 60 to 80 ms a gigabyte of
  // small pages, none of huge ones.
  void map(bool cached_only, const std::stop_token& stop) const;
  // Reads these bytes from the disk soon, unless they are known to be mapped.
  void expect(const char* from, std::size_t bytes) const;
  // Pages of these bytes are wanted here and there: nothing is read around them.
  void read_at_random(const char* from, std::size_t bytes) const;

 private:
  static constexpr std::size_t kPieceBytes = std::size_t{16} << 20;
  bool lies_in_cache(std::size_t begin, std::size_t bytes) const;
  void advise(std::size_t begin, std::size_t bytes, int advice) const;

  const char* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::unique_ptr<std::atomic<bool>[]> mapped_;  // by piece
};

}  // namespace bertha
