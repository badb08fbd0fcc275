// Parts of a MediaWiki dump that can be read alone: they begin where a <page> does. In bzip2 dumps
// that is where a new stream begins with a page, as in Wikipedia's multistream dumps.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data_pipeline/text/byte_source.h"
#include "data_pipeline/text/input_files.h"

namespace bertha {

// Ascending places within the file, about `wanted_bytes` (on disk) apart. None in other compressed
// files, or where the dump does not begin with a <siteinfo>, which every part needs.
std::vector<std::uint64_t> find_dump_cuts(const InputFile& file, std::uint64_t wanted_bytes);

// A part as a dump of its own: with the beginning of the whole dump (in one line) and its end.
std::unique_ptr<ByteSource> open_dump_part(const InputFile& part);

}  // namespace bertha
