// Undoes what HDF5's filters did to a chunk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertha {

struct ChunkFilters {
  const std::vector<std::string>& names;  // as applied when writing
  std::uint32_t skipped = 0;              // bit i: filter i was not applied
  std::size_t element_bytes = 1;          // what "shuffle" put bytes together of
  std::size_t chunk_bytes = 0;            // in the end
};

// Error{bad_data} with `what` in front. Known: gzip, lzf, shuffle, fletcher32.
std::vector<char> undo_filters(std::vector<char> stored, const ChunkFilters& filters,
                               const std::string& what);

// "" or the name of a filter that is not known.
std::string unknown_filter(const std::vector<std::string>& names);

}  // namespace bertha
