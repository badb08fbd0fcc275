// `bertha export`: the model of a checkpoint, run or model folder as a plain Transformers folder.
#include <cerrno>
#include <map>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "launch/commands/commands.h"
#include "launch/model_card.h"
#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/exported_weights.h"
#include "trainer/checkpoint/hugging_face.h"

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

// A file as it is, unless something is to be changed; then with our names. How many weights.
std::size_t write_weights(const fs::path& source, const fs::path& target,
                          const ExportedForm& form) {
  const auto file = source / "model.safetensors";
  const bool changed = !form.architecture.empty() || form.type != at::ScalarType::Undefined;
  if (!changed && fs::exists(file)) {
    const SafetensorsFile check(file);
    copy_to(file, target);
    return check.entries().size();
  }
  auto weights = read_model_weights(source);
  if (!form.architecture.empty()) weights = weights_of_class(form.architecture, weights);
  for (auto& weight : weights) {
    if (form.type != at::ScalarType::Undefined) weight.tensor = weight.tensor.to(form.type);
  }
  write_safetensors(target, weights, {{"format", "pt"}});
  return weights.size();
}

std::string config_json(const fs::path& source, const ExportedForm& form) {
  auto text = read_file(source / "config.json");
  if (form.architecture.empty() && form.type == at::ScalarType::Undefined) return text;
  auto config = Json::parse(text, nullptr, false);
  if (!config.is_object()) {
    throw Error(ErrorKind::bad_data, (source / "config.json").string() + " is not a JSON object");
  }
  if (!form.architecture.empty()) config["architectures"] = {form.architecture};
  if (form.type != at::ScalarType::Undefined) {
    config.erase("dtype");  // the newer name of the same
    config["torch_dtype"] = form.type_name;
  }
  return config.dump(2) + "\n";
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
  StagedFolder staged(train.output, true);
  const auto weights = write_weights(source, staged.path() / "model.safetensors", form);
  write_file(staged.path() / "config.json", config_json(source, form));
  for (const char* name : {"vocab.txt", "tokenizer.json", "tokenizer_config.json"}) {
    if (fs::exists(source / name)) copy_to(source / name, staged.path() / name);
  }
  write_file(staged.path() / "README.md", card(source));
  staged.publish();
  log_info(fmt::format("{} weights of {} in {}; in Python: AutoModel.from_pretrained(\"{}\")",
                       weights, source.string(), train.output.string(), train.output.string()));
  return 0;
}

}  // namespace bertha
