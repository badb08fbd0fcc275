// A table of name beginnings by class.
#include "trainer/checkpoint/exported_weights.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

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
  constexpr std::string_view kBase = "bert.";
  std::vector<NamedTensor> chosen;
  for (const auto& [name, tensor] : weights) {
    const bool belongs =
        std::any_of(wanted.prefixes.begin(), wanted.prefixes.end(),
                    [&, &name = name](auto prefix) { return name.starts_with(prefix); });
    if (!belongs) continue;
    chosen.push_back({architecture == "BertModel" ? name.substr(kBase.size()) : name, tensor});
  }
  return chosen;
}

}  // namespace bertha
