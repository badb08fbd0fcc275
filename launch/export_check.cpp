// The parameters of a class, against the files.
#include "launch/export_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"
#include "trainer/checkpoint/safetensors_header.h"
#include "trainer/checkpoint/weight_check.h"
#include "trainer/model/bert.h"

namespace bertha {
namespace {

constexpr std::string_view kPooler = "bert.pooler.";

// A class of Transformers as one of our heads, less what its name begins with.
struct HeadOfClass {
  Head head = Head::none;
  std::vector<std::string_view> without{};
};

std::optional<HeadOfClass> head_of_class(const std::string& architecture) {
  static const std::map<std::string, HeadOfClass> classes{
      {"BertModel", {Head::pretraining, {"cls."}}},
      {"BertForPreTraining", {Head::pretraining}},
      {"BertForNextSentencePrediction", {Head::pretraining, {"cls.predictions."}}},
      {"BertForMaskedLM", {Head::masked_lm}},
      {"BertLMHeadModel", {Head::masked_lm}},
      {"BertForSequenceClassification", {Head::sequence}},
      {"BertForMultipleChoice", {Head::sequence}},
      {"BertForTokenClassification", {Head::token}},
      {"BertForQuestionAnswering", {Head::question}}};
  const auto found = classes.find(architecture);
  return found == classes.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t outputs_of(const ExportedModel& model, Head head) {
  constexpr std::int64_t kTransformersDefault = 2;
  if (head != Head::sequence && head != Head::token) return 0;
  if (model.architecture == "BertForMultipleChoice") return 1;
  const auto labels = read_head_config(model.folder / "config.json").label_names.size();
  return labels > 0 ? static_cast<std::int64_t>(labels) : kTransformersDefault;
}

std::vector<WantedWeight> weights_of(const ExportedModel& model, const HeadOfClass& kind) {
  const auto shape = read_bert_config(model.folder / "config.json");
  std::vector<WantedWeight> wanted;
  for (auto& spec : bert_parameters(shape, kind.head, outputs_of(model, kind.head))) {
    const bool left_out = std::any_of(kind.without.begin(), kind.without.end(),
                                      [&](auto prefix) { return spec.name.starts_with(prefix); });
    if (!left_out) wanted.push_back({std::move(spec.name), std::move(spec.shape)});
  }
  return wanted;
}

// A base model may have been made without its pooler, which is all or nothing.
bool lacks_just_the_pooler(const ExportedModel& model, const std::vector<std::string>& missing) {
  return model.architecture == "BertModel" && missing.size() == 2 &&
         std::all_of(missing.begin(), missing.end(),
                     [](const auto& name) { return name.starts_with(kPooler); });
}

}  // namespace

void check_exported_model(const ExportedModel& model) {
  const auto kind = head_of_class(model.architecture);
  const auto match = compare_weights(model.folder, weights_of(model, kind.value_or(HeadOfClass{})));
  if (!kind) return;
  if (!model.asked && lacks_just_the_pooler(model, match.missing)) {
    log_warning(
        fmt::format("{} has no pooler: Transformers makes up another at each "
                    "from_pretrained, unless told add_pooling_layer=False",
                    model.folder.string()));
  } else if (!match.missing.empty()) {
    throw Error(ErrorKind::bad_data,
                fmt::format("the model has no {}, which a {} needs", match.missing.front(),
                            model.architecture),
                model.asked ? "export it as what it was trained for: leave export.model out"
                            : "whatever its config.json says, it is no such model: give what it "
                              "is, --export.model base, masked_lm or next_sentence");
  }
  if (model.asked || match.unexpected.empty()) return;
  log_warning(fmt::format("{} has {} weight(s) that a {} does not know, first {}; they are kept",
                          model.folder.string(), match.unexpected.size(), model.architecture,
                          shown(match.unexpected.front())));
}

}  // namespace bertha
