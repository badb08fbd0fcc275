// How often which label was taken for which other, out of a fine-tuned model's predictions.
#pragma once

#include <string>
#include <vector>

#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

struct TestedExamples {
  const ExampleSet& examples;
  const Predictions& predictions;
  const std::vector<std::string>& label_names;
};

// [true][predicted] of one class for each text, or for each word that has one.
ConfusionMatrix class_counts(const TestedExamples& tested);

// [label][is one][is predicted] where a text has several labels, as scikit-learn's
// multilabel_confusion_matrix.
std::vector<ConfusionMatrix> label_counts(const TestedExamples& tested);

}  // namespace bertha
