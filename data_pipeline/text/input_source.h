// The bytes of an input file as its format's reader wants them.
#pragma once

#include <memory>

#include "data_pipeline/text/byte_source.h"
#include "data_pipeline/text/input_files.h"

namespace bertha {

// A part of a MediaWiki dump comes as a dump of its own (dump_parts.h), any other part as it is.
std::unique_ptr<ByteSource> open_input(const InputFile& file);

}  // namespace bertha
