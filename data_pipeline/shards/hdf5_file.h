// The only door to the HDF5 library: creates, opens and describes files, with errors in words.
// The data itself is read and written beside the library, at the addresses it names. Calls are
// serialised under one lock, since the library is not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/base/unique_handle.h"

namespace bertha {

struct Hdf5Dataset {
  std::string type;  // "uint16", "int32", "uint64 big-endian", "float32", ... or "no number"
  bool variable_length = false;   // each element is a list of these numbers, in the file's heap
  std::size_t element_bytes = 0;  // as stored; of variable length: of what points into the heap
  std::vector<std::uint64_t> shape;
  bool contiguous = false;                 // plain bytes in this very file, all there
  std::uint64_t address = 0;               // of contiguous data, from the beginning of the file
  std::uint64_t bytes = 0;                 // of contiguous data
  std::vector<std::uint64_t> chunk_shape;  // empty: not chunked
  std::vector<std::string> filters;        // of chunks, as applied when writing: "gzip", ...
};

// Where a chunk lies in the file. No bytes: it was never written, its elements are zero.
struct Hdf5Chunk {
  std::uint64_t address = 0, bytes = 0;
  std::uint32_t skipped_filters = 0;  // bit i: filter i was not applied
};

void close_hdf5_handle(std::int64_t handle);

class Hdf5File {
 public:
  // Read-only, without file locks. Error{io}; Error{bad_data}: truncated, or no HDF5 file.
  static Hdf5File open(const std::filesystem::path& path);
  static Hdf5File open_for_writing(const std::filesystem::path& path);
  // Replaces the file. The same calls give the same bytes: no times are stored.
  static Hdf5File create(const std::filesystem::path& path);

  // Of the root group. Error{bad_data} when missing or of another type, naming file and item.
  bool has(const std::string& name) const;
  Hdf5Dataset dataset(const std::string& name) const;
  // The chunks that begin at these elements.
  std::vector<Hdf5Chunk> find_chunks(const std::string& name,
                                     const std::vector<std::vector<std::uint64_t>>& starts) const;
  std::string text_attribute(const std::string& name) const;
  std::uint64_t number_attribute(const std::string& name) const;

  // Reserves contiguous space for unsigned integers without writing it; gives its address.
  std::uint64_t add_dataset(const std::string& name, int element_bytes, std::uint64_t count);
  void add_attribute(const std::string& name, std::string_view text);
  void add_attribute(const std::string& name, std::uint64_t number);

  void close();  // Error{io}, also of writes that were put off until now

 private:
  Hdf5File(std::string path, std::int64_t handle) : path_(std::move(path)), file_(handle) {}

  void check_attributes_once() const;

  std::string path_;
  UniqueHandle<std::int64_t, close_hdf5_handle, -1> file_;
  mutable bool attributes_checked_ = false;  // before the library reads the first
  mutable bool texts_checked_ = false;       // by check_text_heaps, before the first text is read
};

}  // namespace bertha
