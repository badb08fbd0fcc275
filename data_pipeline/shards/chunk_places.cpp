// A list of all chunks of each dataset, filled as they are asked for.
#include "data_pipeline/shards/chunk_places.h"

#include <algorithm>
#include <cstddef>

namespace bertha {

std::uint64_t ChunkPlaces::times_opened() const {
  const std::lock_guard lock(mutex_);
  return times_opened_;
}

// Null: too many chunks.
ChunkPlaces::Known* ChunkPlaces::kept(const NumberDataset& dataset) {
  const auto known = known_.find(dataset.name());
  if (known != known_.end()) return &known->second;
  const auto chunks = dataset.chunks_of(0, dataset.rows()).end;
  if (chunks > bytes_left_ / sizeof(Known::value_type)) return nullptr;
  bytes_left_ -= static_cast<std::size_t>(chunks) * sizeof(Known::value_type);
  return &known_.emplace(dataset.name(), Known(static_cast<std::size_t>(chunks))).first->second;
}

std::vector<Hdf5Chunk> ChunkPlaces::find_in(const NumberDataset& dataset, ChunkRange range) {
  if (range.begin == range.end) return {};
  auto* const known = kept(dataset);
  const auto is_known = [&] {
    const auto first = known->begin() + static_cast<std::ptrdiff_t>(range.begin);
    return std::all_of(first, first + static_cast<std::ptrdiff_t>(range.end - range.begin),
                       [](const auto& chunk) { return chunk.has_value(); });
  };
  std::vector<Hdf5Chunk> found;
  if (known != nullptr && is_known()) {
    for (auto i = range.begin; i < range.end; ++i) {
      found.push_back(*(*known)[static_cast<std::size_t>(i)]);
    }
    return found;
  }
  if (!file_) {
    file_ = Hdf5File::open(path_);
    ++times_opened_;
  }
  found = dataset.find_chunks(*file_, range);
  for (std::size_t i = 0; known != nullptr && i < found.size(); ++i) {
    (*known)[static_cast<std::size_t>(range.begin) + i] = found[i];
  }
  return found;
}

ChunkPlaces::Found ChunkPlaces::find(const std::map<std::string, NumberDataset>& datasets,
                                     std::uint64_t begin, std::uint64_t end) {
  const std::lock_guard lock(mutex_);
  Found found;
  for (const auto& [name, dataset] : datasets) {
    found[name] = find_in(dataset, dataset.chunks_of(begin, end));
  }
  file_.reset();  // thousands of shards need no handles
  return found;
}

}  // namespace bertha
