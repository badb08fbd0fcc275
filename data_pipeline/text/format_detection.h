// Tells compression and text format from a file's name and first bytes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "data_pipeline/text/input_files.h"

namespace bertha {

// The first bytes decide. Only where they say nothing does the extension: an empty `x.gz` is then a
// damaged gzip file, not an empty text.
Compression detect_compression(const std::filesystem::path& path);
// For many files: each is opened once only.
std::string read_head(const std::filesystem::path& path);
Compression detect_compression(const std::filesystem::path& path, std::string_view head);

// Never TextFormat::automatic. A dump's root element and JSON's opening brace are recognised in any
// file; nothing when the bytes look binary (a NUL, and no format in the name).
std::optional<TextFormat> detect_text_format(const InputFile& file, std::string_view head);

}  // namespace bertha
