// Tells compression and text format from a file's name and first bytes.
#pragma once

#include <filesystem>
#include <optional>

#include "data_pipeline/text/input_files.h"

namespace bertha {

// The first bytes decide. Only where they say nothing does the extension: an empty `x.gz` is then a
// damaged gzip file, not an empty text.
Compression detect_compression(const std::filesystem::path& path);

// Never TextFormat::automatic. A dump's root element and JSON's opening brace are recognised in any
// file; nothing when the bytes look binary (a NUL, and no format in the name).
std::optional<TextFormat> detect_text_format(const InputFile& file);

}  // namespace bertha
