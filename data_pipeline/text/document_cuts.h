// Where a large file may be cut so that its parts, read alone, give the documents of the whole.
#pragma once

#include <cstdint>
#include <vector>

#include "data_pipeline/text/input_files.h"

namespace bertha {

// Ascending places within the file, about `wanted_bytes` apart, by reading a little around each:
//   jsonl      behind a line end
//   sentences  behind a blank line
//   text       behind a blank line (or, after 1 MiB without, a line end) near equal parts of at
//   most
//              64 MiB, whatever is wanted: these are documents of their own
//   mediawiki  before a page (dump_parts.h)
// None where that cannot be known cheaply: most compressed files, 4 MiB without a place.
std::vector<std::uint64_t> find_document_cuts(const InputFile& file, std::uint64_t wanted_bytes);

}  // namespace bertha
