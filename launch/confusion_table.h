// A confusion matrix for people.
#pragma once

#include <string>
#include <vector>

#include "trainer/tasks/scores.h"

namespace bertha {

// Aligned, a line for each label: its number, its name (cut when long), how often it was taken for
// which other. Beyond a dozen labels a row says instead how many were right, and what the label was
// mostly taken for.
std::string confusion_table(const std::vector<std::string>& labels, const ConfusionMatrix& counts);

// Of labels that a text may have several of, a line each: of the texts that have it how many were
// found and missed, of those that do not how many were taken for it and how many not.
std::string label_table(const std::vector<std::string>& labels,
                        const std::vector<ConfusionMatrix>& counts);

}  // namespace bertha
