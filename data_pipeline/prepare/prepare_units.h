// The input in units of work: what a rank does in one go, and what a later run need not do again.
// They depend on the input alone, not on the number of ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/text/document_reader.h"
#include "data_pipeline/text/input_files.h"

namespace bertha {

// Some files that follow each other, or a part of a large one (InputFile::begin, end).
struct InputUnit {
  std::vector<InputFile> files;
  std::uint64_t bytes() const;  // on disk
};

// The least takes a fraction of a second; with 4 MiB all of `prepare` took a fortieth longer.
inline constexpr std::uint64_t kLeastUnitBytes = std::uint64_t{16} << 20;

// In input order. About a thousand units, of `least_bytes` of text to 128 MiB where files can be
// cut. `got_on` is called for every file, unless it is empty.
std::vector<InputUnit> plan_units(std::vector<InputFile> files,
                                  std::uint64_t least_bytes = kLeastUnitBytes,
                                  const std::function<void()>& got_on = {});

// The list that rank 0 made, for all: every rank works on the same one.
std::string pack_units(const std::vector<InputUnit>& units);
std::vector<InputUnit> unpack_units(std::string_view bytes);

// The rank of each of the units `to_do` (numbers into `units`): large ones first, each to the rank
// with the least so far.
std::vector<int> share_units(const std::vector<InputUnit>& units,
                             const std::vector<std::size_t>& to_do, int world_size);

// Error{bad_data} for files without a usable record of which no reader saw all. `read` is by unit.
void require_records(const std::vector<InputUnit>& units, const std::vector<ReadStatistics>& read,
                     const std::string& text_field);

}  // namespace bertha
