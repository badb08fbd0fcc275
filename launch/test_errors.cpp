// Counting and ranking of errors.
#include "launch/test_errors.h"

#include <algorithm>
#include <cstdint>

#include <ATen/ATen.h>
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

// Of texts, or of words, where rows without a label do not count.
ConfusionMatrix confusion(const TestedExamples& tested) {
  const auto classes = tested.label_names.size();
  ConfusionMatrix counts(classes, std::vector<std::uint64_t>(classes));
  for (std::size_t s = 0; s < tested.examples.sequences.size(); ++s) {
    const auto& labels = tested.examples.sequences[s].labels;
    const auto guesses = tested.predictions[s].argmax(1);
    for (std::size_t row = 0; row < labels.size(); ++row) {
      if (labels[row] < 0) continue;
      const auto guess = guesses.data_ptr<std::int64_t>()[row];
      ++counts[static_cast<std::size_t>(labels[row])][static_cast<std::size_t>(guess)];
    }
  }
  return counts;
}

// [label][is one][is predicted], as scikit-learn's multilabel_confusion_matrix.
std::vector<ConfusionMatrix> label_counts(const TestedExamples& tested) {
  std::vector<ConfusionMatrix> counts(tested.label_names.size(), {{0, 0}, {0, 0}});
  for (std::size_t s = 0; s < tested.examples.sequences.size(); ++s) {
    const auto& values = tested.examples.sequences[s].values;
    const auto outputs = tested.predictions[s].contiguous();
    for (std::size_t label = 0; label < values.size(); ++label) {
      const bool guessed = outputs.data_ptr<float>()[label] > 0;
      ++counts[label][values[label] > 0 ? 1 : 0][guessed ? 1 : 0];
    }
  }
  return counts;
}

}  // namespace

std::string test_errors_json(const LabelledTaskDefinition& definition,
                             const TestedExamples& tested) {
  Json json;
  const auto& labels = tested.label_names;
  if (definition.loss == LossKind::cross_entropy) {
    json["confusion_matrix"] = {{"labels", labels}, {"counts", confusion(tested)}};
  } else if (definition.loss == LossKind::binary_cross_entropy) {
    json["label_counts"] = {{"labels", labels}, {"counts", label_counts(tested)}};
  }
  json["worst_errors"] =
      worst_errors(tested.examples.mistakes(tested.examples, tested.predictions));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace bertha
