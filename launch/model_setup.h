// Which model a run trains: its shape from options, files and weights to start from.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "launch/run_config.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/parameter_space.h"
#include "trainer/optim/optimizer.h"

namespace bertha {

// Preset or config.json (that of train.init when nothing else is named) with the options'
// overrides and the corpus' vocabulary size. Error{usage} for a shape that cannot be.
BertConfig resolve_model(const RunConfig& config, std::int32_t vocabulary_size);

// Fills master and compute weights from a model folder; says what was missing and unexpected.
void load_initial_weights(const std::filesystem::path& path, ParameterSpace& space);
// The moments of a checkpoint or run. Returns how many updates they have seen.
std::int64_t load_initial_moments(const std::filesystem::path& path, const ParameterSpace& space,
                                  Optimizer& optimizer);

// config.json and tokenizer files (read from `tokenizer_folder`) that go beside weights.
std::map<std::string, std::string> model_files(const BertConfig& config, const HeadConfig& head,
                                               const std::filesystem::path& tokenizer_folder);

}  // namespace bertha
