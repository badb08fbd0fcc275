// Which foreign shards the input of `prepare` means.
#pragma once

#include <filesystem>
#include <vector>

#include "data_pipeline/text/input_files.h"

namespace bertha {

// The shards that the input names: files, folders and globs, each file once, in the order given, of
// a folder or glob by name. Error{bad_data}: a folder without any.
std::vector<std::filesystem::path> foreign_input_files(const InputOptions& input);

}  // namespace bertha
