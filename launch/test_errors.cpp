// Counting and ranking of errors.
#include "launch/test_errors.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace bertha {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kLongestText = 600;  // bytes, about

// Cut where a word ends, or at least a character.
std::string shortened(const std::string& text) {
  if (text.size() <= kLongestText) return text;
  auto end = text.rfind(' ', kLongestText);
  if (end == std::string::npos || end == 0) {
    end = kLongestText;
    while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  }
  return text.substr(0, end) + " ...";
}

Json worst_errors(Mistakes mistakes) {
  std::stable_sort(mistakes.rows.begin(), mistakes.rows.end(),
                   [larger = mistakes.largest_is_worst](const auto& a, const auto& b) {
                     return larger ? a.value > b.value : a.value < b.value;
                   });
  mistakes.rows.resize(std::min(mistakes.rows.size(), kMostErrors));
  auto list = Json::array();
  for (const auto& mistake : mistakes.rows) {
    list.push_back({{"text", shortened(mistake.text)},
                    {"label", mistake.label},
                    {"predicted", mistake.predicted},
                    {mistakes.measure, mistake.value}});
  }
  return list;
}

}  // namespace

std::string test_errors_json(const LabelledTaskDefinition& definition,
                             const TestedExamples& tested) {
  Json json;
  const auto& labels = tested.label_names;
  if (definition.loss == LossKind::cross_entropy) {
    json["confusion_matrix"] = {{"labels", labels}, {"counts", class_counts(tested)}};
  } else if (definition.loss == LossKind::binary_cross_entropy) {
    json["label_counts"] = {{"labels", labels}, {"counts", label_counts(tested)}};
  }
  json["worst_errors"] =
      worst_errors(tested.examples.mistakes(tested.examples, tested.predictions));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bertha
