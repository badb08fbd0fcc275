// Shape of a model, and the files beside its weights.
#include "launch/model_setup.h"

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/checkpoint/hugging_face.h"

namespace bertha {
namespace {

template <class T, class Value>
void override_with(const std::optional<Value>& value, T& target) {
  if (value) target = *value;
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
