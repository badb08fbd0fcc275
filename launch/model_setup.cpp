// Shape and starting weights of a model.
#include "launch/model_setup.h"

#include <algorithm>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/checkpoint_store.h"
#include "trainer/checkpoint/hugging_face.h"
#include "trainer/checkpoint/moment_files.h"
#include "trainer/training_state.h"

namespace bertha {
namespace {

template <class T, class Value>
void override_with(const std::optional<Value>& value, T& target) {
  if (value) target = *value;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) {
    text += (i ? ", " : "") + names[i];
  }
  if (names.size() > 5) text += fmt::format(" and {} more", names.size() - 5);
  return text;
}

}  // namespace

BertConfig resolve_model(const RunConfig& config, std::int32_t vocabulary_size) {
  const auto& options = config.trainer.model;
  BertConfig model;
  if (!options.config.empty()) {
    model = read_bert_config(options.config);
  } else if (!config.trainer.train.init.empty() && !config.was_given("model.size")) {
    model = read_bert_config(resolve_model_folder(config.trainer.train.init) / "config.json");
  } else {
    model = bert_preset(options.size);
  }
  override_with(options.hidden_size, model.hidden_size);
  override_with(options.layers, model.layers);
  override_with(options.attention_heads, model.attention_heads);
  override_with(options.intermediate_size, model.intermediate_size);
  override_with(options.max_positions, model.max_positions);
  override_with(options.hidden_dropout, model.hidden_dropout);
  override_with(options.attention_dropout, model.attention_dropout);
  override_with(options.initializer_range, model.initializer_range);
  model.recompute = options.recompute;
  if (vocabulary_size > 0) model.vocabulary_size = vocabulary_size;
  if (options.implementation == "fused") {
    model.implementation = Implementation::fused;
  } else if (options.implementation == "reference") {
    model.implementation = Implementation::reference;
  } else if (options.implementation != "auto") {
    throw Error(ErrorKind::usage,
                fmt::format("model.implementation = '{}': expected auto, reference or fused",
                            options.implementation));
  }
  model.check();
  return model;
}

void load_initial_weights(const std::filesystem::path& path, ParameterSpace& space) {
  const auto folder = resolve_model_folder(path);
  std::vector<NamedTensor> destination;
  for (std::size_t i = 0; i < space.parameters().size(); ++i) {
    destination.push_back({space.parameters()[i].name, space.master_view(static_cast<int>(i))});
  }
  const auto match = copy_weights(read_model_weights(folder), destination);
  space.copy_master_to_compute();
  log_info(fmt::format("weights from {}", folder.string()));
  if (!match.missing.empty()) log_info("  fresh, not in the file: " + listed(match.missing));
  if (!match.unexpected.empty()) log_info("  in the file, not used: " + listed(match.unexpected));
}

std::int64_t load_initial_moments(const std::filesystem::path& path, const ParameterSpace& space,
                                  Optimizer& optimizer) {
  const auto folder = resolve_model_folder(path);
  if (!std::filesystem::exists(folder / "trainer_state.json")) {
    throw Error(ErrorKind::usage, folder.string() + " is no checkpoint: it holds no moments",
                "give a run or a checkpoint of pretraining, or set train.init_moments to false");
  }
  const auto state = read_trainer_state(folder);
  auto slices = moment_slices(space, optimizer);
  read_moments(folder, slices);
  const auto updates = state.earlier_updates + state.step;
  log_info(fmt::format("moments from {}, of {} updates", folder.string(), updates));
  return updates;
}

std::map<std::string, std::string> model_files(const BertConfig& config, const HeadConfig& head,
                                               const std::filesystem::path& tokenizer_folder) {
  std::map<std::string, std::string> files{{"config.json", bert_config_json(config, head)}};
  if (tokenizer_folder.empty()) return files;
  for (const char* name : {"vocab.txt", "tokenizer.json", "tokenizer_config.json"}) {
    const auto path = tokenizer_folder / name;
    if (std::filesystem::exists(path)) files[name] = read_file(path);
  }
  return files;
}

}  // namespace bertha
