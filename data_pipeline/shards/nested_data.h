// Where the data lie that a folder is said to hold, but its folders do: for messages.
#pragma once

#include <filesystem>
#include <string>

namespace bertha {

// "; its folder data/books/training holds 4 HDF5 files", with how many other folders do, too; or
// that one of them is a corpus. Empty where none of the first thousand folders does.
std::string nested_data_text(const std::filesystem::path& folder);

}  // namespace bertha
