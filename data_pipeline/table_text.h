// A whole text file in memory, as valid UTF-8.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// Decompresses, drops a byte order mark, replaces invalid bytes and warns of them. Error{io};
// Error{bad_data} for UTF-16 and damaged compression.
std::string read_text_file(const std::filesystem::path& path);

// ".tsv" of both "train.tsv" and "train.TSV.gz".
std::string table_extension(const std::filesystem::path& path);

// Text of a file within a message: one line, and not a long one.
std::string excerpt(std::string_view text);
std::string excerpt_list(const std::vector<std::string>& texts);

}  // namespace bertha
