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

}  // namespace bertha
