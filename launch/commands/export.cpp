// `bertha export`: the model of a checkpoint, run or model folder as a plain Transformers folder.
#include <cerrno>
#include <map>
#include <utility>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/commands/commands.h"
#include "launch/export_check.h"
#include "launch/model_card.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/exported_weights.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/model/bert_config.h"

namespace bertha {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What the options mean; empty and undefined: as it is.
struct ExportedForm {
  std::string architecture;
  at::ScalarType type = at::ScalarType::Undefined;
  const char* type_name = "";
};

ExportedForm form_of(const ExportOptions& options) {
  static const std::map<std::string, std::string> classes{
      {"auto", ""},
      {"base", "BertModel"},
      {"masked_lm", "BertForMaskedLM"},
      {"next_sentence", "BertForNextSentencePrediction"},
      {"pretraining", "BertForPreTraining"}};
  static const std::map<std::string, std::pair<at::ScalarType, const char*>> types{
      {"auto", {at::ScalarType::Undefined, ""}},
      {"fp32", {at::kFloat, "float32"}},
      {"bf16", {at::kBFloat16, "bfloat16"}}};
  const auto known_class = classes.find(options.model);
  if (known_class == classes.end()) {
    throw Error(ErrorKind::usage,
                fmt::format("export.model = '{}': expected auto, base, masked_lm, "
                            "next_sentence or pretraining",
                            options.model));
  }
  const auto type = types.find(options.precision);
  if (type == types.end()) {
    throw Error(
        ErrorKind::usage,
        fmt::format("export.precision = '{}': expected auto, fp32 or bf16", options.precision));
  }
  return {known_class->second, type->second.first, type->second.second};
}

void copy_to(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) throw_io_error("copy", from.string(), error.value());
}

// The class that config.json names; empty: none, as in NVIDIA's and Google's.
std::string named_class(const Json& config) {
  const auto names = config.find("architectures");
  const bool named = names != config.end() && names->is_array() && !names->empty();
  return named && names->front().is_string() ? names->front().get<std::string>() : "";
}

std::vector<std::string> names_in(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& entry : file.entries()) names.push_back(entry.name);
  return names;
}

// `named`: the class of config.json, if any.
std::string class_to_export(const fs::path& source, const ExportedForm& form,
                            const std::string& named) {
  if (!form.architecture.empty()) return form.architecture;
  return named.empty() ? class_of_names(model_weight_names(source)) : named;
}

// A file as it is where Transformers knows its names and nothing is to be changed; else anew, under
// the names of the class. Returns how many weights there are.
std::size_t write_weights(const fs::path& source, const fs::path& target, const ExportedForm& form,
                          const std::string& architecture) {
  const auto file = source / "model.safetensors";
  const bool changed = !form.architecture.empty() || form.type != at::ScalarType::Undefined;
  if (!changed && fs::exists(file)) {
    const auto names = names_in(SafetensorsFile(file));
    if (are_names_of_class(architecture, names)) {
      copy_to(file, target);
      return names.size();
    }
  }
  auto weights = read_model_weights(source);
  weights = form.architecture.empty() ? with_names_of_class(architecture, std::move(weights))
                                      : weights_of_class(architecture, weights);
  for (auto& weight : weights) {
    if (form.type != at::ScalarType::Undefined) weight.tensor = weight.tensor.to(form.type);
  }
  write_safetensors(target, weights, {{"format", "pt"}});
  return weights.size();
}

Json read_config(const fs::path& path) {
  read_bert_config(path);  // refuses what is no BERT
  return Json::parse(read_file(path));
}

// As it is, unless something changed or is missing that Transformers' Auto classes ask for.
std::string config_json(const fs::path& path, Json config, const ExportedForm& form,
                        const std::string& architecture) {
  const bool complete = config.contains("model_type") && config["model_type"] == "bert";
  const bool cast = form.type != at::ScalarType::Undefined;
  if (complete && named_class(config) == architecture && !cast) return read_file(path);
  config["model_type"] = "bert";
  config["architectures"] = {architecture};
  if (cast) {
    config.erase("dtype");  // the newer name of the same
    config["torch_dtype"] = form.type_name;
  }
  return config.dump(2) + "\n";
}

void copy_tokenizer(const fs::path& source, const fs::path& target) {
  for (const char* name : {"vocab.txt", "tokenizer.json", "tokenizer_config.json"}) {
    if (fs::exists(source / name)) copy_to(source / name, target / name);
  }
  if (fs::exists(source / "vocab.txt") || fs::exists(source / "tokenizer.json")) return;
  log_warning(
      fmt::format("{} has no vocab.txt and no tokenizer.json: what is exported has no "
                  "tokenizer; lay the model's vocab.txt there first",
                  source.string()));
}

// A fine-tuned or foreign folder brings its own.
std::string card(const fs::path& source) {
  const bool own = fs::exists(source / "README.md") && !fs::exists(source / "trainer_state.json");
  return own ? read_file(source / "README.md") : pretraining_card(source);
}

}  // namespace

int run_export(const RunConfig& config, const MpiEnvironment& mpi) {
  const auto& train = config.trainer.train;
  if (train.init.empty() || train.output.empty()) {
    throw Error(ErrorKind::usage, "train.init and train.output are both needed",
                "bertha export --train.init run --train.output model");
  }
  const auto form = form_of(config.exporting);
  if (!mpi.rank_info().is_root()) return 0;
  const auto source = resolve_model_folder(train.init);
  if (fs::exists(train.output) && !fs::is_empty(train.output)) {
    throw Error(ErrorKind::usage, train.output.string() + " exists and is not empty",
                "remove it or choose another folder");
  }
  const auto config_path = source / "config.json";
  const auto model = read_config(config_path);
  const auto architecture = class_to_export(source, form, named_class(model));
  check_exported_model({source, architecture, !form.architecture.empty()});
  StagedFolder staged(train.output, true);
  const auto weights =
      write_weights(source, staged.path() / "model.safetensors", form, architecture);
  write_file(staged.path() / "config.json", config_json(config_path, model, form, architecture));
  copy_tokenizer(source, staged.path());
  write_file(staged.path() / "README.md", card(source));
  staged.publish();
  log_info(fmt::format("{} weights of {} in {}; in Python: {}.from_pretrained(\"{}\")", weights,
                       source.string(), train.output.string(), auto_class_of(architecture),
                       train.output.string()));
  return 0;
}

}  // namespace bertha
