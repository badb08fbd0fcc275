// Which rank reads which input file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data_pipeline/text/input_files.h"

namespace bertha {

// The list that rank 0 found, for all: every rank works on the same one.
std::string pack_files(const std::vector<InputFile>& files);
std::vector<InputFile> unpack_files(std::string_view bytes);

// The rank of each file: large files first, each to the rank with the least so far.
std::vector<int> share_files(const std::vector<InputFile>& files, int world_size);

}  // namespace bertha
