// Finds model folders, reads their weights and fits them to a model.
#include "trainer/checkpoint/hugging_face.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_folders.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/safetensors_header.h"
#include "trainer/checkpoint/weight_check.h"
#include "trainer/checkpoint/weight_names.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kVersionField = "bertha_version";
constexpr int kModelVersion = 1;

bool has_file(const fs::path& folder, const char* name) {
  std::error_code error;
  return fs::exists(folder / name, error);
}

bool has_safetensors(const fs::path& folder) {
  return has_file(folder, kWeights) || has_file(folder, kIndex);
}

bool is_model_folder(const fs::path& folder) {
  return has_file(folder, "config.json") && has_safetensors(folder);
}

// Or was one: of a damaged one something is left that says so.
bool is_checkpoint(const fs::path& path) {
  const auto name = path.filename().empty() ? path.parent_path().filename() : path.filename();
  return step_of_name(name.string()) || has_file(path, "trainer_state.json") ||
         (has_file(path, "manifest.json") && has_safetensors(path));
}

void require_existing(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) throw_io_error("open", path.string(), error ? error.value() : ENOENT);
  if (!fs::is_directory(status)) {
    throw Error(ErrorKind::bad_data, path.string() + " is a file, not a model folder",
                "give the folder that holds config.json and model.safetensors");
  }
}

// Weights in forms that are programs rather than data, or of other frameworks.
void refuse_other_formats(const fs::path& folder) {
  if (has_safetensors(folder)) return;
  for (const char* name : {"pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5",
                           "flax_model.msgpack", "bert_model.ckpt.index"}) {
    if (!has_file(folder, name)) continue;
    throw Error(ErrorKind::bad_data,
                fmt::format("{} has {} but no {}", folder.string(), name, kWeights),
                "save the model as safetensors: in Python, "
                "AutoModelForPreTraining.from_pretrained(folder).save_pretrained(new_folder)");
  }
}

// File by weight name, out of the index of a model in several files.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::bad_data, path.string() + ": " + what, "get the model anew");
  };
  const auto json = Json::parse(read_file(path), nullptr, false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    fail("has no weight_map");
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, file] : json["weight_map"].items()) {
    if (!file.is_string()) fail("the file of '" + shown(name) + "' is no text");
    const auto file_name = file.get<std::string>();
    if (file_name.find_first_of(std::string("/\0", 2)) != std::string::npos ||
        !file_name.ends_with(".safetensors")) {
      fail("'" + shown(file_name) + "' is no safetensors file of this folder");
    }
    files[name] = file_name;
  }
  if (files.empty()) fail("its weight_map is empty");
  return files;
}

// Older files, and those of others, have no version.
void check_version(const SafetensorsFile& file, const fs::path& path) {
  const auto found = file.metadata().find(kVersionField);
  if (found == file.metadata().end()) return;
  const auto& text = found->second;
  int version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  const bool number = error == std::errc() && end == text.data() + text.size();
  if (number && version >= 1 && version <= kModelVersion) return;
  throw Error(ErrorKind::bad_data,
              fmt::format("{}: {} '{}' is not among 1 to {}, those this program knows",
                          path.string(), kVersionField, shown(text), kModelVersion),
              "use the version of Bertha that wrote it");
}

void visit_file(const fs::path& path, const WeightVisitor& visit) {
  const SafetensorsFile file(path);
  check_version(file, path);
  for (const auto& entry : file.entries()) visit(entry.name, file.read(entry.name));
}

void visit_shards(const fs::path& folder, const WeightVisitor& visit) {
  std::map<std::string, std::vector<std::string>> names_by_file;
  for (const auto& [name, file] : read_index(folder / kIndex)) names_by_file[file].push_back(name);
  for (const auto& [file_name, names] : names_by_file) {
    const SafetensorsFile file(folder / file_name);
    check_version(file, folder / file_name);
    for (const auto& name : names) visit(name, file.read(name));
  }
}

// Of a weight with another shape in the file than in the model.
const char* shape_remedy(const std::string& name) {
  if (name == "bert.embeddings.word_embeddings.weight") {
    return "use the vocabulary that the file's model was trained with, or "
           "--model.resize_vocabulary true";
  }
  if (name.starts_with("bert.")) {
    return "give the model the file's shape: leave out model.size, model.config and other options "
           "of it; if there are none, the folder's config.json is that of another model";
  }
  // The model was built for as many outputs as config.json says.
  return "the folder's config.json (id2label, num_labels) is that of another head: save the model "
         "anew";
}

void check_fits(const NamedTensor& wanted, const at::Tensor& found) {
  const auto& name = wanted.name;
  if (found.sizes() != wanted.tensor.sizes()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("weight {} is {} in the file and {} in the model", name,
                            shape_text(found), shape_text(wanted.tensor)),
                shape_remedy(name));
  }
  check_numbers(name, found);
}

}  // namespace

fs::path resolve_model_folder(const fs::path& path) {
  require_existing(path);
  if (is_checkpoint(path)) check_checkpoint(path, CheckpointCheck::model);
  if (is_model_folder(path)) return path;
  if (is_model_folder(path / "model")) return path / "model";  // fine-tuned: its best epoch
  for (const auto& checkpoints : {path / "checkpoints", path}) {
    if (const auto newest = newest_checkpoint(checkpoints, CheckpointCheck::model)) return *newest;
  }
  refuse_other_formats(path);
  throw Error(ErrorKind::bad_data,
              path.string() +
                  " is no model: looked for config.json with model.safetensors, for model/, and "
                  "for a complete checkpoint in checkpoints/",
              "give a checkpoint, a run folder or a Transformers folder");
}

std::map<std::string, std::string> model_metadata() {
  return {{"format", "pt"}, {kVersionField, std::to_string(kModelVersion)}};
}

void visit_model_weights(const fs::path& folder, const WeightVisitor& visit) {
  require_existing(folder);
  if (has_file(folder, kWeights)) return visit_file(folder / kWeights, visit);
  if (has_file(folder, kIndex)) return visit_shards(folder, visit);
  refuse_other_formats(folder);
  throw Error(ErrorKind::bad_data, fmt::format("{} has no {}", folder.string(), kWeights),
              "give a checkpoint, a run folder or a Transformers folder");
}

std::vector<NamedTensor> read_model_weights(const fs::path& folder) {
  std::vector<NamedTensor> weights;
  visit_model_weights(folder, [&](const std::string& name, at::Tensor tensor) {
    weights.push_back({name, std::move(tensor)});
  });
  return with_our_names(std::move(weights),
                        (has_file(folder, kWeights) ? folder / kWeights : folder).string());
}

std::vector<std::string> model_weight_names(const fs::path& folder) {
  std::vector<std::string> names;
  if (has_file(folder, kWeights)) {
    const SafetensorsFile file(folder / kWeights);
    for (const auto& entry : file.entries()) names.push_back(entry.name);
  } else {
    for (const auto& [name, file] : read_index(folder / kIndex)) names.push_back(name);
  }
  return with_our_names(names);
}

WeightMatch copy_weights(const std::vector<NamedTensor>& source,
                         const std::vector<NamedTensor>& destination) {
  const at::NoGradGuard no_gradient;
  std::unordered_map<std::string, const at::Tensor*> by_name;
  for (const auto& [name, tensor] : source) by_name.emplace(name, &tensor);
  WeightMatch match;
  std::set<std::string> wanted_names;
  for (const auto& wanted : destination) {
    wanted_names.insert(wanted.name);
    if (const auto found = by_name.find(wanted.name); found != by_name.end()) {
      check_fits(wanted, *found->second);
    } else {
      match.missing.push_back(wanted.name);
    }
  }
  require_encoder(match.missing);
  for (const auto& [name, tensor] : source) {
    if (!wanted_names.contains(name)) match.unexpected.push_back(name);
  }
  // Only now, so that an error leaves the destination as it was.
  for (const auto& wanted : destination) {
    if (const auto found = by_name.find(wanted.name); found != by_name.end()) {
      at::Tensor(wanted.tensor).copy_(*found->second);
    }
  }
  return match;
}

}  // namespace bertha
