// Writes a model as a Transformers folder; appears whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "trainer/model/parameter_space.h"

namespace bertha {

// model.safetensors (fp32) beside `files` (config.json, tokenizer files, README.md ...). Replaces
// an existing model folder; Error{usage} when the folder holds something else. Called on rank 0.
void write_model_folder(const std::filesystem::path& folder, const ParameterSpace& space,
                        const std::map<std::string, std::string>& files);

// The files of a model folder once more, as links where the file system has them; appears whole or
// not at all, in place of what was there. Called on rank 0.
void repeat_model_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace bertha
