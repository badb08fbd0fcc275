// What a fine-tuned model gets wrong on its test split, for test_errors.json and the report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data_pipeline/tokenizer/vocabulary.h"
#include "trainer/tasks/labelled/task_definition.h"

namespace bertha {

struct TestedExamples {
  const ExampleSet& examples;
  const Predictions& predictions;
  const std::vector<std::string>& label_names;
  const Vocabulary& vocabulary;  // decodes the texts
};

// {"confusion_matrix": {"labels", "counts"[true][predicted]}, "worst_errors": [{"text", "label",
// "predicted", "probability" of the right label}]}, the 20 least likely ones. Of one class for each
// text or word (cross entropy); nothing for other tasks.
std::optional<std::string> test_errors_json(const LabelledTaskDefinition& definition,
                                            const TestedExamples& tested);

}  // namespace bertha
