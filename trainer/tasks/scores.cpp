// Scores from confusion matrices and from moments.
#include "trainer/tasks/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bertha {
namespace {

using Matrix = std::vector<std::vector<std::uint64_t>>;

struct Margins {
  std::vector<double> labelled, predicted;  // by class
  double right = 0, all = 0;
};

Margins margins_of(const Matrix& matrix) {
  Margins margins;
  margins.labelled.resize(matrix.size());
  margins.predicted.resize(matrix.size());
  for (std::size_t label = 0; label < matrix.size(); ++label) {
    for (std::size_t guess = 0; guess < matrix.size(); ++guess) {
      const auto count = static_cast<double>(matrix[label][guess]);
      margins.labelled[label] += count;
      margins.predicted[guess] += count;
      margins.all += count;
      if (label == guess) margins.right += count;
    }
  }
  return margins;
}

double f1_of_class(const Matrix& matrix, const Margins& margins, std::size_t which) {
  const double denominator = margins.labelled[which] + margins.predicted[which];
  return denominator > 0 ? 2 * static_cast<double>(matrix[which][which]) / denominator : 0;
}

double f1(const Matrix& matrix, const Margins& margins) {
  if (matrix.size() == 2) return f1_of_class(matrix, margins, 1);
  double sum = 0;
  double classes = 0;  // that occur, as scikit-learn's macro average counts them
  for (std::size_t which = 0; which < matrix.size(); ++which) {
    if (margins.labelled[which] + margins.predicted[which] == 0) continue;
    sum += f1_of_class(matrix, margins, which);
    ++classes;
  }
  return classes > 0 ? sum / classes : 0;
}

double matthews(const Margins& margins) {
  double cross = 0, label_squares = 0, guess_squares = 0;
  for (std::size_t which = 0; which < margins.labelled.size(); ++which) {
    cross += margins.labelled[which] * margins.predicted[which];
    label_squares += margins.labelled[which] * margins.labelled[which];
    guess_squares += margins.predicted[which] * margins.predicted[which];
  }
  const double all_squared = margins.all * margins.all;
  const double denominator =
      std::sqrt(all_squared - guess_squares) * std::sqrt(all_squared - label_squares);
  return denominator > 0 ? (margins.right * margins.all - cross) / denominator : 0;
}

bool is_constant(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(),
                     [&](double value) { return value == values.front(); });
}

double correlation(std::span<const double> a, std::span<const double> b) {
  const auto count = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / count;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / count;
  double cross = 0, squares_a = 0, squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    cross += (a[i] - mean_a) * (b[i] - mean_b);
    squares_a += (a[i] - mean_a) * (a[i] - mean_a);
    squares_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  const double denominator = std::sqrt(squares_a * squares_b);
  if (std::isnan(denominator)) return denominator;  // no number where a value is none
  // By their sums, constant sides would give a ratio of rounding errors.
  return is_constant(a) || is_constant(b) || denominator == 0 ? 0 : cross / denominator;
}

// Ranks from 1; equal values share the mean of their ranks. Of numbers only: others have no order.
std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double shared = (static_cast<double>(begin + end) + 1) / 2;
    for (; begin < end; ++begin) ranks[order[begin]] = shared;
  }
  return ranks;
}

}  // namespace

bool less_is_better(std::string_view score) {
  return score.ends_with("loss") || score.ends_with("error");
}

Matrix confusion_matrix(std::span<const std::int32_t> predicted,
                        std::span<const std::int32_t> labels, std::int32_t classes) {
  const auto size = static_cast<std::size_t>(classes);
  Matrix matrix(size, std::vector<std::uint64_t>(size));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++matrix.at(static_cast<std::size_t>(labels[i])).at(static_cast<std::size_t>(predicted[i]));
  }
  return matrix;
}

Scores classification_scores(std::span<const std::int32_t> predicted,
                             std::span<const std::int32_t> labels, std::int32_t classes) {
  const auto matrix = confusion_matrix(predicted, labels, classes);
  const auto margins = margins_of(matrix);
  return {{"accuracy", margins.all > 0 ? margins.right / margins.all : 0},
          {"f1", f1(matrix, margins)},
          {"matthews_correlation", matthews(margins)}};
}

Scores multi_label_scores(const std::vector<std::vector<bool>>& predicted,
                          const std::vector<std::vector<bool>>& labels) {
  struct Counts {
    double both = 0, sides = 0;  // in both; in prediction plus in labels
    double f1() const { return sides > 0 ? 2 * both / sides : 0; }
  };
  std::vector<Counts> counts(labels.empty() ? 0 : labels.front().size());
  Counts all;
  double exact = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    exact += predicted.at(i) == labels[i] ? 1 : 0;
    for (std::size_t label = 0; label < counts.size(); ++label) {
      const bool guess = predicted[i][label], there = labels[i][label];
      const double both = guess && there ? 1 : 0, sides = (guess ? 1 : 0) + (there ? 1 : 0);
      counts[label].both += both;
      counts[label].sides += sides;
      all.both += both;
      all.sides += sides;
    }
  }
  double sum = 0;
  for (const auto& count : counts) sum += count.f1();
  return {{"micro_f1", all.f1()},
          {"macro_f1", counts.empty() ? 0 : sum / static_cast<double>(counts.size())},
          {"exact_match", labels.empty() ? 0 : exact / static_cast<double>(labels.size())}};
}

Scores regression_scores(std::span<const double> predicted, std::span<const double> values) {
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    squares += (predicted[i] - values[i]) * (predicted[i] - values[i]);
  }
  const auto count = std::max(1.0, static_cast<double>(values.size()));
  const bool ordered = std::none_of(predicted.begin(), predicted.end(),
                                    [](double value) { return std::isnan(value); });
  return {{"pearson", correlation(predicted, values)},
          {"spearman", ordered ? correlation(ranks_of(predicted), ranks_of(values))
                               : std::numeric_limits<double>::quiet_NaN()},
          {"mean_squared_error", squares / count}};
}

}  // namespace bertha
