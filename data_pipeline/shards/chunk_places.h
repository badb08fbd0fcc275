// Where the chunks of a shard's datasets lie: HDF5 is asked once for each, in as much memory as is
// allowed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data_pipeline/shards/hdf5_file.h"
#include "data_pipeline/shards/number_rows.h"

namespace bertha {

class ChunkPlaces {
 public:
  // Places that would take over `most_bytes` are not kept, and asked for anew every time.
  ChunkPlaces(std::filesystem::path path, std::size_t most_bytes)
      : path_(std::move(path)), bytes_left_(most_bytes) {}

  // Of the chunks that rows [begin, end) of these datasets lie in, in order (NumberDataset says
  // which that are; none of contiguous ones). Opens the file only for what it was not asked for
  // before. Thread-safe. Error{io}, Error{bad_data}.
  using Found = std::map<std::string, std::vector<Hdf5Chunk>>;
  Found find(const std::map<std::string, NumberDataset>& datasets, std::uint64_t begin,
             std::uint64_t end);
  // How often the file was opened.
  std::uint64_t times_opened() const;

 private:
  using Known = std::vector<std::optional<Hdf5Chunk>>;
  Known* kept(const NumberDataset& dataset);
  std::vector<Hdf5Chunk> find_in(const NumberDataset& dataset, ChunkRange range);

  std::filesystem::path path_;
  std::size_t bytes_left_;
  mutable std::mutex mutex_;  // guards what is below
  std::map<std::string, Known> known_;
  std::optional<Hdf5File> file_;  // while find() needs it
  std::uint64_t times_opened_ = 0;
};

}  // namespace bertha
