// Model folders as Transformers writes and reads them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "trainer/checkpoint/safetensors.h"

namespace bertha {

// The folder with config.json and weights that `path` means: itself, or the newest complete
// checkpoint of a run folder, or a fine-tuning run's model/. A checkpoint's model is compared with
// its manifest. Error{io} or Error{bad_data} says what was looked for.
std::filesystem::path resolve_model_folder(const std::filesystem::path& path);

// What the header of model.safetensors says besides the tensors: "format" is Transformers', the
// rest names the version of ours. Files of others lack it.
std::map<std::string, std::string> model_metadata();

// All weights of a folder (model.safetensors, or shards by model.safetensors.index.json), on the
// CPU, with our names: "bert." added where a base model lacks it, gamma/beta and dense_act renamed,
// position_ids buffers and the tied decoder weight dropped. Error{bad_data}: a newer program wrote
// them.
std::vector<NamedTensor> read_model_weights(const std::filesystem::path& folder);

// The same one after the other, under the names they have in the files.
using WeightVisitor = std::function<void(const std::string& name, at::Tensor weight)>;
void visit_model_weights(const std::filesystem::path& folder, const WeightVisitor& visit);

// The names of the weights, from headers alone.
std::vector<std::string> model_weight_names(const std::filesystem::path& folder);

struct WeightMatch {
  std::vector<std::string> missing;     // wanted, not in the source
  std::vector<std::string> unexpected;  // in the source, not wanted
};
// Copies by name, converting the type. Error{bad_data}: a shape that differs (says both), or a
// missing encoder or embedding weight. Missing and unexpected head weights are only listed.
WeightMatch copy_weights(const std::vector<NamedTensor>& source,
                         const std::vector<NamedTensor>& destination);

}  // namespace bertha
