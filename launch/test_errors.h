// What a fine-tuned model gets wrong on its test split, for test_errors.json and the report.
#pragma once

#include <string>

#include "launch/confusion_counts.h"

namespace bertha {

// {"worst_errors": [{"text", "label", "predicted", and Mistakes::measure}]}, the 20 worst, with
// "confusion_matrix": {"labels", "counts"[true][predicted]} of one class for each text or word, or
// "label_counts": {"labels", "counts"[label][true][predicted]} where a text has several labels.
std::string test_errors_json(const LabelledTaskDefinition& definition,
                             const TestedExamples& tested);

}  // namespace bertha
