// Which model a run trains: its shape from options and files.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "launch/run_config.h"
#include "trainer/model/bert_config.h"

namespace bertha {

// Preset or config.json (that of train.init when nothing else is named) with the options'
// overrides and the corpus' vocabulary size. Error{usage} for a shape that cannot be.
BertConfig resolve_model(const RunConfig& config, std::int32_t vocabulary_size);

// config.json and tokenizer files (read from `tokenizer_folder`) that go beside weights.
std::map<std::string, std::string> model_files(const BertConfig& config, const HeadConfig& head,
                                               const std::filesystem::path& tokenizer_folder);

}  // namespace bertha
