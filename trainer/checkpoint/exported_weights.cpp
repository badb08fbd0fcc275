// A table of name beginnings by class.
#include "trainer/checkpoint/exported_weights.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "trainer/checkpoint/weight_names.h"

namespace bertha {
namespace {

constexpr std::string_view kBaseModel = "BertModel", kBasePrefix = "bert.";

struct WeightsOfClass {
  std::string_view architecture;
  std::vector<std::string_view> prefixes;
  std::vector<std::string_view> needed;  // without these it would have fresh weights
};

const std::vector<WeightsOfClass>& table() {
  static const std::vector<WeightsOfClass> classes{
      {"BertModel", {"bert."}, {"bert.pooler.dense.weight"}},
      {"BertForMaskedLM",
       {"bert.embeddings.", "bert.encoder.", "cls.predictions."},
       {"cls.predictions.bias"}},
      {"BertForNextSentencePrediction",
       {"bert.", "cls.seq_relationship."},
       {"bert.pooler.dense.weight", "cls.seq_relationship.weight"}},
      {"BertForPreTraining",
       {"bert.", "cls."},
       {"bert.pooler.dense.weight", "cls.predictions.bias", "cls.seq_relationship.weight"}}};
  return classes;
}

const WeightsOfClass& find_class(const std::string& architecture) {
  for (const auto& known : table()) {
    if (known.architecture == architecture) return known;
  }
  throw Error(ErrorKind::internal, fmt::format("{} is not exported", architecture));
}

}  // namespace

std::vector<NamedTensor> weights_of_class(const std::string& architecture,
                                          const std::vector<NamedTensor>& weights) {
  const auto& wanted = find_class(architecture);
  for (const auto needed : wanted.needed) {
    const bool there = std::any_of(weights.begin(), weights.end(),
                                   [&](const auto& weight) { return weight.name == needed; });
    if (there) continue;
    throw Error(ErrorKind::bad_data,
                fmt::format("the model has no {}, which a {} needs", needed, architecture),
                "export it as what it was trained for: leave export.model out");
  }
  std::vector<NamedTensor> chosen;
  for (const auto& weight : weights) {
    const bool belongs = std::any_of(wanted.prefixes.begin(), wanted.prefixes.end(),
                                     [&](auto prefix) { return weight.name.starts_with(prefix); });
    if (belongs) chosen.push_back(weight);
  }
  return with_names_of_class(architecture, std::move(chosen));
}

std::string class_of_names(const std::vector<std::string>& names) {
  const auto any = [&](std::string_view part) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.find(part) != std::string::npos;
    });
  };
  if (any("qa_outputs.")) return "BertForQuestionAnswering";
  if (any("classifier.")) {
    return any("pooler.") ? "BertForSequenceClassification" : "BertForTokenClassification";
  }
  const bool words = any("cls.predictions."), next = any("cls.seq_relationship.");
  if (words) return next ? "BertForPreTraining" : "BertForMaskedLM";
  return next ? "BertForNextSentencePrediction" : std::string(kBaseModel);
}

std::string auto_class_of(const std::string& architecture) {
  static const std::vector<std::string_view> heads{"ForPreTraining",
                                                   "ForMaskedLM",
                                                   "ForNextSentencePrediction",
                                                   "ForSequenceClassification",
                                                   "ForTokenClassification",
                                                   "ForQuestionAnswering",
                                                   "ForMultipleChoice"};
  for (const auto head : heads) {
    if (architecture == fmt::format("Bert{}", head)) return fmt::format("AutoModel{}", head);
  }
  return architecture == "BertLMHeadModel" ? "AutoModelForCausalLM" : "AutoModel";
}

bool are_names_of_class(const std::string& architecture, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto ours = our_weight_name(name);
    if (!ours) return false;
    return *ours == name ||
           (architecture == kBaseModel && *ours == std::string(kBasePrefix) + name);
  });
}

std::vector<NamedTensor> with_names_of_class(const std::string& architecture,
                                             std::vector<NamedTensor> weights) {
  if (architecture != kBaseModel) return weights;
  for (auto& weight : weights) {
    if (weight.name.starts_with(kBasePrefix)) weight.name.erase(0, kBasePrefix.size());
  }
  return weights;
}

}  // namespace bertha
