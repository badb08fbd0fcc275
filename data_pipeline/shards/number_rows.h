// Rows of a dataset of whole numbers, of any integer type, plain, compressed or of variable length:
// HDF5 names the addresses, the bytes are read and inflated here, so several threads can.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/heap_reader.h"

namespace bertha {

// Numbers of some rows, end to end.
struct NumberRows {
  std::vector<std::int32_t> values;
  std::vector<std::size_t> offsets{0};  // [rows + 1]

  std::size_t size() const { return offsets.size() - 1; }
  std::span<const std::int32_t> row(std::size_t index) const {
    return std::span(values).subspan(offsets[index], offsets[index + 1] - offsets[index]);
  }
};

// Chunks [begin, end) of a dataset, counted row by row of chunks.
struct ChunkRange {
  std::uint64_t begin = 0, end = 0;
};

class NumberDataset {
 public:
  // Of shape [rows] or [rows, width]. Error{bad_data} names file, dataset and what is wrong with
  // it: no integers, three dimensions, a filter besides gzip, lzf, shuffle and
  // fletcher32 (the library has others, but it trusts what it decodes).
  NumberDataset(const Hdf5File& file, const std::filesystem::path& path, const std::string& name);

  const std::string& name() const { return name_; }
  std::uint64_t rows() const { return description_.shape[0]; }
  bool variable_length() const { return description_.variable_length; }
  std::uint64_t width() const;  // numbers in a row; of variable length: 1
  std::uint64_t chunk_rows() const {
    return description_.chunk_shape.empty() ? 1 : description_.chunk_shape[0];
  }

  // The chunks that rows [begin, end) lie in; none of contiguous data.
  ChunkRange chunks_of(std::uint64_t begin, std::uint64_t end) const;
  // Asks HDF5 where they lie.
  std::vector<Hdf5Chunk> find_chunks(const Hdf5File& file, ChunkRange range) const;

  // Rows [begin, end), out of `chunks`: those of chunks_of(begin, end). `opened` is the file, open
  // for reading. Error{bad_data} names the row of a number that int32 does not hold, chunks that do
  // not inflate or check out, and lists that are too long, alone or together.
  NumberRows read(const std::vector<Hdf5Chunk>& chunks, int opened, std::uint64_t begin,
                  std::uint64_t end) const;

 private:
  // Valid until the next call in this thread.
  std::span<const char> read_bytes(const std::vector<Hdf5Chunk>& chunks, int opened,
                                   std::uint64_t begin, std::uint64_t end) const;
  void copy_band(std::span<const Hdf5Chunk> chunks, int opened, std::uint64_t band,
                 std::uint64_t begin, std::uint64_t end, std::vector<char>& bytes) const;
  std::uint64_t chunk_columns() const {
    return description_.chunk_shape.size() > 1 ? description_.chunk_shape[1] : 1;
  }
  std::uint64_t chunks_side_by_side() const {
    return (width() + chunk_columns() - 1) / chunk_columns();
  }
  std::vector<char> read_chunk(int opened, const Hdf5Chunk& chunk, std::uint64_t row) const;
  void append_list(const char* reference, std::uint64_t row, HeapReader& heap,
                   NumberRows& rows) const;
  void append_numbers(std::span<const char> bytes, std::uint64_t row, std::size_t numbers,
                      NumberRows& rows) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_, name_;
  Hdf5Dataset description_;
  int bytes_ = 0;  // of a number
  bool is_signed_ = false, big_endian_ = false;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace bertha
