// Lists of variable length, read from a file's global heap beside the HDF5 library, which neither
// is fast at it nor survives a damaged heap.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bertha {

class HeapReader {
 public:
  // `file` is open for reading and outlives the reader. `name` stands in errors.
  HeapReader(int file, std::string name, std::uint64_t file_bytes)
      : file_(file), name_(std::move(name)), file_bytes_(file_bytes) {}

  // The bytes of an object; valid until the next call. Error{bad_data}.
  std::span<const char> object(std::uint64_t collection, std::uint32_t index);

 private:
  struct Collection {
    std::vector<char> bytes;
    std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> objects;  // begin and size
  };
  const Collection& collection_at(std::uint64_t address);
  void parse(Collection& collection, std::uint64_t address) const;
  [[noreturn]] void fail(std::uint64_t address, const std::string& what) const;

  int file_;
  std::string name_;
  std::uint64_t file_bytes_;
  std::map<std::uint64_t, Collection> collections_;  // a few, by address
};

}  // namespace bertha
