// Scores of predictions, as scikit-learn and scipy define them. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "trainer/tasks/task.h"

namespace bertha {

// Of a score that models are chosen by: losses and errors are best when smallest.
bool less_is_better(std::string_view score);

// Class predictions against labels, both in [0, classes): accuracy; f1 (of class 1 when there are
// two classes, else macro-averaged over classes); matthews_correlation (Gorodkin 2004, R_K).
Scores classification_scores(std::span<const std::int32_t> predicted,
                             std::span<const std::int32_t> labels, std::int32_t classes);

using ConfusionMatrix = std::vector<std::vector<std::uint64_t>>;  // [true class][predicted class]
ConfusionMatrix confusion_matrix(std::span<const std::int32_t> predicted,
                                 std::span<const std::int32_t> labels, std::int32_t classes);

// Any number of labels for each example: [example][label] flags. micro_f1, macro_f1 (over all
// labels; one that neither side has counts 0), exact_match (all flags of an example right).
Scores multi_label_scores(const std::vector<std::vector<bool>>& predicted,
                          const std::vector<std::vector<bool>>& labels);

// pearson, spearman (average ranks for ties), mean_squared_error. Where one side is
// constant (one row always is), there is no correlation and scipy gives nan: 0 here.
Scores regression_scores(std::span<const double> predicted, std::span<const double> values);

}  // namespace bertha
