// Counting and ranking of errors.
#include "launch/test_errors.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "launch/decoded_text.h"

namespace bertha {
namespace {

constexpr std::size_t kMostErrors = 20;
constexpr std::size_t kLongestText = 600;  // bytes, about

struct Mistake {
  std::size_t sequence = 0;
  std::int64_t label = 0, guess = 0;
  double probability = 0;  // of the label
};

// The likeliest class of a row, and the probability of `label`.
std::pair<std::int64_t, double> judged(const float* outputs, std::int64_t classes,
                                       std::int64_t label) {
  const auto best = std::max_element(outputs, outputs + classes) - outputs;
  double sum = 0;
  for (std::int64_t i = 0; i < classes; ++i) {
    sum += std::exp(static_cast<double>(outputs[i]) - static_cast<double>(outputs[best]));
  }
  const double own = static_cast<double>(outputs[label]) - static_cast<double>(outputs[best]);
  return {best, std::exp(own) / sum};
}

std::string text_of(const EncodedExample& example, const Vocabulary& vocabulary) {
  std::vector<std::string> tokens;
  for (const auto id : example.tokens) tokens.push_back(vocabulary.token(id));
  auto text = decoded_text(tokens);
  if (text.size() <= kLongestText) return text;
  return text.substr(0, text.rfind(' ', kLongestText)) + " ...";
}

}  // namespace

std::optional<std::string> test_errors_json(const LabelledTaskDefinition& definition,
                                            const TestedExamples& tested) {
  const auto classes = static_cast<std::int64_t>(tested.label_names.size());
  if (definition.loss != LossKind::cross_entropy || classes == 0) return std::nullopt;
  std::vector<std::vector<std::uint64_t>> counts(
      tested.label_names.size(), std::vector<std::uint64_t>(tested.label_names.size()));
  std::vector<Mistake> mistakes;
  for (std::size_t s = 0; s < tested.examples.sequences.size(); ++s) {
    const auto& labels = tested.examples.sequences[s].labels;
    const auto outputs = tested.predictions[s].contiguous();
    Mistake worst{s, 0, 0, 2};
    for (std::int64_t row = 0; row < outputs.size(0); ++row) {
      const auto label = labels[static_cast<std::size_t>(row)];
      if (label < 0) continue;
      const auto [guess, probability] =
          judged(outputs.data_ptr<float>() + row * classes, classes, label);
      ++counts[static_cast<std::size_t>(label)][static_cast<std::size_t>(guess)];
      if (guess != label && probability < worst.probability) worst = {s, label, guess, probability};
    }
    if (worst.probability <= 1) mistakes.push_back(worst);
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const auto& a, const auto& b) { return a.probability < b.probability; });
  mistakes.resize(std::min(mistakes.size(), kMostErrors));

  nlohmann::ordered_json json;
  json["confusion_matrix"] = {{"labels", tested.label_names}, {"counts", counts}};
  json["worst_errors"] = nlohmann::ordered_json::array();
  for (const auto& mistake : mistakes) {
    json["worst_errors"].push_back(
        {{"text", text_of(tested.examples.sequences[mistake.sequence], tested.vocabulary)},
         {"label", tested.label_names[static_cast<std::size_t>(mistake.label)]},
         {"predicted", tested.label_names[static_cast<std::size_t>(mistake.guess)]},
         {"probability", mistake.probability}});
  }
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace bertha
