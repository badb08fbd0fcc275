// config.json of a Transformers folder, read as hostile input and written so that AutoConfig loads
// it. Absent fields have the defaults of transformers.BertConfig.
#include <algorithm>
#include <limits>
#include <map>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "parallel/base/error.h"
#include "parallel/base/staged_output.h"
#include "trainer/model/bert_config.h"
#include "trainer/model/config_faults.h"
#include "trainer/model/default_labels.h"

namespace bertha {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 64 << 20;  // bytes; label names may be many
constexpr std::size_t kMostLabels = 1'000'000;

// One file's fields with checked types; messages name file and field.
class Fields {
 public:
  explicit Fields(const fs::path& path) : path_(path) {
    std::error_code ignored;  // read_file reports what is wrong with the file
    if (fs::file_size(path, ignored) > kLargestFile && !ignored) fail("is over 64 MB");
    root_ = json::parse(read_file(path), nullptr, false);
    if (!root_.is_object()) fail("is not a JSON object");
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::bad_data, fmt::format("{}: {}", path_.string(), what));
  }
  // Null counts as absent.
  const json* find(const char* name) const {
    const auto found = root_.find(name);
    return found == root_.end() || found->is_null() ? nullptr : &*found;
  }
  bool says_null(const char* name) const {
    const auto found = root_.find(name);
    return found != root_.end() && found->is_null();
  }
  void read(const char* name, std::int64_t& value) const {
    if (const auto* field = find(name)) value = integer(*field, name);
  }
  void read(const char* name, double& value) const {
    const auto* field = find(name);
    if (field == nullptr) return;
    if (!field->is_number()) fail(fmt::format("{} is not a number", name));
    value = field->get<double>();
  }
  void read(const char* name, std::string& value) const {
    const auto* field = find(name);
    if (field == nullptr) return;
    if (!field->is_string()) fail(fmt::format("{} is not a string", name));
    value = field->get<std::string>();
  }
  bool flag(const char* name, bool otherwise) const {
    const auto* field = find(name);
    if (field == nullptr) return otherwise;
    if (!field->is_boolean()) fail(fmt::format("{} is neither true nor false", name));
    return field->get<bool>();
  }
  // The first of `architectures`, or empty.
  std::string architecture() const {
    const auto* field = find("architectures");
    if (field == nullptr || (field->is_array() && field->empty())) return {};
    if (!field->is_array() || !field->front().is_string()) {
      fail("architectures is not a list of strings");
    }
    return field->front().get<std::string>();
  }
  std::int64_t integer(const json& field, const std::string& name) const {
    const bool too_large = field.is_number_unsigned() &&
                           field.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max();
    if (!field.is_number_integer() || too_large) fail(fmt::format("{} is not an integer", name));
    return field.get<std::int64_t>();
  }

 private:
  fs::path path_;
  json root_;
};

void check_is_bert(const Fields& fields) {
  std::string type;
  fields.read("model_type", type);
  const auto architecture = fields.architecture();
  if (!type.empty() && type != "bert") {
    fields.fail(fmt::format("model_type is \"{}\"; only \"bert\" is supported", type));
  }
  if (!type.empty()) return;
  if (!architecture.empty() && !architecture.starts_with("Bert")) {
    fields.fail(fmt::format("architectures names {}; only BERT's are supported", architecture));
  }
  // Google's original bert_config.json names neither, but says the whole shape.
  for (const char* name : {"vocab_size", "hidden_size", "num_hidden_layers"}) {
    if (architecture.empty() && fields.find(name) == nullptr) {
      fields.fail(fmt::format("names neither model_type nor architectures nor {}", name));
    }
  }
}

void check_features(const Fields& fields) {
  std::string positions = "absolute";
  fields.read("position_embedding_type", positions);
  if (positions != "absolute") {
    fields.fail(fmt::format("position_embedding_type \"{}\" is not supported", positions));
  }
  for (const char* name : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    if (fields.flag(name, false)) fields.fail(fmt::format("{} is not supported", name));
  }
  const auto architecture = fields.architecture();
  const bool has_decoder =
      architecture == "BertForPreTraining" || architecture == "BertForMaskedLM";
  if (has_decoder && !fields.flag("tie_word_embeddings", true)) {
    fields.fail("tie_word_embeddings false is not supported");
  }
}

// Other names in Transformers for the same functions.
std::string canonical_activation(const std::string& name) {
  if (name == "gelu_python") return "gelu";
  if (name == "gelu_pytorch_tanh") return "gelu_new";
  if (name == "swish") return "silu";
  return name;
}

std::vector<std::string> label_names_by_id(const Fields& fields, const json& id_to_label) {
  if (!id_to_label.is_object()) fields.fail("id2label is not an object");
  std::vector<std::string> names(id_to_label.size());
  std::vector<bool> seen(names.size());
  for (const auto& [key, value] : id_to_label.items()) {
    const bool number =
        !key.empty() && key.size() < 8 &&
        std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
    const auto id = number ? static_cast<std::size_t>(std::stoul(key)) : names.size();
    if (id >= names.size() || seen[id]) {
      fields.fail(fmt::format("id2label holds the id \"{}\"; {} labels have the ids 0 to {}", key,
                              names.size(), names.size() - 1));
    }
    if (!value.is_string())
      fields.fail(fmt::format("id2label: the name of {} is not a string", key));
    seen[id] = true;
    names[id] = value.get<std::string>();
  }
  return names;
}

}  // namespace

BertConfig read_bert_config(const fs::path& config_json) {
  const Fields fields(config_json);
  check_is_bert(fields);
  check_features(fields);
  BertConfig config;
  fields.read("vocab_size", config.vocabulary_size);
  fields.read("hidden_size", config.hidden_size);
  fields.read("num_hidden_layers", config.layers);
  fields.read("num_attention_heads", config.attention_heads);
  fields.read("intermediate_size", config.intermediate_size);
  fields.read("max_position_embeddings", config.max_positions);
  fields.read("type_vocab_size", config.segment_types);
  fields.read("hidden_dropout_prob", config.hidden_dropout);
  fields.read("attention_probs_dropout_prob", config.attention_dropout);
  fields.read("layer_norm_eps", config.layer_norm_epsilon);
  fields.read("initializer_range", config.initializer_range);
  fields.read("hidden_act", config.activation);
  config.activation = canonical_activation(config.activation);
  if (fields.find("classifier_dropout") != nullptr) {
    double rate = 0.0;
    fields.read("classifier_dropout", rate);
    config.classifier_dropout = rate;
  }
  if (fields.says_null("pad_token_id")) {
    config.pad_token_id = -1;
  } else {
    std::int64_t padding = 0;
    fields.read("pad_token_id", padding);
    if (padding < 0 || padding >= config.vocabulary_size) {
      fields.fail(fmt::format("pad_token_id {} is outside the vocabulary of {}", padding,
                              config.vocabulary_size));
    }
    config.pad_token_id = static_cast<std::int32_t>(padding);
  }
  if (const auto fault = config_fault(config); !fault.empty()) fields.fail(fault);
  return config;
}

std::vector<std::string> default_label_names(std::int64_t count) {
  std::vector<std::string> names;
  for (std::int64_t id = 0; id < count; ++id) names.push_back(fmt::format("LABEL_{}", id));
  return names;
}

HeadConfig read_head_config(const fs::path& config_json) {
  const Fields fields(config_json);
  HeadConfig head;
  if (auto architecture = fields.architecture(); !architecture.empty()) {
    head.architecture = std::move(architecture);
  }
  fields.read("problem_type", head.problem_type);
  head.unanswerable = fields.flag("unanswerable_questions", false);
  if (const auto* names = fields.find("id2label")) {
    if (names->size() > kMostLabels) fields.fail("id2label is too long");
    head.label_names = label_names_by_id(fields, *names);
    return head;
  }
  // Transformers leaves names out that are its defaults, and two is its default count.
  const bool classifies = head.architecture == "BertForSequenceClassification" ||
                          head.architecture == "BertForTokenClassification";
  std::int64_t labels = classifies ? 2 : 0;
  fields.read("num_labels", labels);
  if (labels < 0 || labels > static_cast<std::int64_t>(kMostLabels)) {
    fields.fail(fmt::format("num_labels is {}", labels));
  }
  head.label_names = default_label_names(labels);
  return head;
}

std::string bert_config_json(const BertConfig& config, const HeadConfig& head) {
  nlohmann::ordered_json root;
  root["architectures"] = {head.architecture};
  root["model_type"] = "bert";
  root["vocab_size"] = config.vocabulary_size;
  root["hidden_size"] = config.hidden_size;
  root["num_hidden_layers"] = config.layers;
  root["num_attention_heads"] = config.attention_heads;
  root["intermediate_size"] = config.intermediate_size;
  root["hidden_act"] = config.activation;
  root["hidden_dropout_prob"] = config.hidden_dropout;
  root["attention_probs_dropout_prob"] = config.attention_dropout;
  root["classifier_dropout"] = nullptr;
  if (config.classifier_dropout) root["classifier_dropout"] = *config.classifier_dropout;
  root["max_position_embeddings"] = config.max_positions;
  root["type_vocab_size"] = config.segment_types;
  root["initializer_range"] = config.initializer_range;
  root["layer_norm_eps"] = config.layer_norm_epsilon;
  root["pad_token_id"] = nullptr;
  if (config.pad_token_id >= 0) root["pad_token_id"] = config.pad_token_id;
  root["position_embedding_type"] = "absolute";
  root["tie_word_embeddings"] = true;
  root["use_cache"] = true;
  root["torch_dtype"] = "float32";
  // Transformers counts outputs by their names, and takes no names for two outputs.
  const bool unnamed = head.label_names.empty() && head.problem_type == "regression";
  const auto labels = unnamed ? default_label_names(1) : head.label_names;
  if (!labels.empty()) {
    auto names = nlohmann::ordered_json::object(), ids = nlohmann::ordered_json::object();
    for (std::size_t id = 0; id < labels.size(); ++id) {
      names[std::to_string(id)] = labels[id];
      ids[labels[id]] = id;
    }
    root["id2label"] = std::move(names);
    root["label2id"] = std::move(ids);
  }
  if (!head.problem_type.empty()) root["problem_type"] = head.problem_type;
  if (head.unanswerable) root["unanswerable_questions"] = true;  // Transformers keeps it unread
  return root.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace bertha
