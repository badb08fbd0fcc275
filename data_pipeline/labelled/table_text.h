// What readers of labelled files say of them: extensions, and excerpts for messages.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace bertha {

// ".tsv" of both "train.tsv" and "train.TSV.gz".
std::string table_extension(const std::filesystem::path& path);

// Without blanks and line ends around it.
std::string_view trimmed(std::string_view text);

// Text of a file within a message: one line, and not a long one.
std::string excerpt(std::string_view text);
std::string excerpt_list(const std::vector<std::string>& texts);

}  // namespace bertha
