// Counts rows of predictions against labels.
#include "launch/confusion_counts.h"

#include <cstdint>

#include <ATen/ATen.h>

namespace bertha {

ConfusionMatrix class_counts(const TestedExamples& tested) {
  const auto classes = tested.label_names.size();
  ConfusionMatrix counts(classes, std::vector<std::uint64_t>(classes));
  for (std::size_t s = 0; s < tested.examples.sequences.size(); ++s) {
    const auto& labels = tested.examples.sequences[s].labels;
    const auto guesses = tested.predictions[s].argmax(1);
    for (std::size_t row = 0; row < labels.size(); ++row) {
      if (labels[row] < 0) continue;  // a piece behind a word's first, a special token
      const auto guess = guesses.data_ptr<std::int64_t>()[row];
      ++counts[static_cast<std::size_t>(labels[row])][static_cast<std::size_t>(guess)];
    }
  }
  return counts;
}

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

}  // namespace bertha
