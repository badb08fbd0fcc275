// Best starts and ends of each window, their valid pairs, the best of all windows.
#include "trainer/tasks/answer_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace bertha {
namespace {

constexpr double kLowest = -1e9;  // finite, so that differences stay numbers

double score_of(const AnswerWindow& window, std::size_t token, std::size_t which) {
  const double score = window.outputs[2 * token + which];
  return std::isfinite(score) ? score : kLowest;
}

std::vector<std::size_t> best_tokens(const AnswerWindow& window, std::size_t which, int count) {
  std::vector<std::size_t> tokens(window.origins.size());
  std::iota(tokens.begin(), tokens.end(), 0U);
  const auto kept = std::min(tokens.size(), static_cast<std::size_t>(std::max(count, 1)));
  const auto better = [&](std::size_t a, std::size_t b) {
    const auto left = score_of(window, a, which), right = score_of(window, b, which);
    return left != right ? left > right : a < b;
  };
  std::partial_sort(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(kept),
                    tokens.end(), better);
  tokens.resize(kept);
  return tokens;
}

// Place to score.
using Places = std::map<std::pair<std::uint32_t, std::uint32_t>, double>;

void add_window(const AnswerWindow& window, const AnswerOptions& options, Places& places) {
  const auto ends = best_tokens(window, 1, options.n_best);
  for (const auto start : best_tokens(window, 0, options.n_best)) {
    if (window.origins[start].word < 0) continue;
    for (const auto end : ends) {
      if (window.origins[end].word < 0 || end < start) continue;
      if (end - start + 1 > static_cast<std::size_t>(options.max_answer_length)) continue;
      const auto score = score_of(window, start, 0) + score_of(window, end, 1);
      const auto [place, added] =
          places.try_emplace({window.origins[start].begin, window.origins[end].end}, score);
      if (!added) place->second = std::max(place->second, score);
    }
  }
}

void set_probabilities(std::vector<AnswerCandidate>& candidates) {
  double sum = 0;
  for (auto& candidate : candidates) {
    candidate.probability = std::exp(candidate.score - candidates.front().score);
    sum += candidate.probability;
  }
  for (auto& candidate : candidates) candidate.probability /= sum;
}

}  // namespace

AnswerChoice choose_answer(std::span<const AnswerWindow> windows, const AnswerOptions& options) {
  Places places;
  double null_score = std::numeric_limits<double>::infinity();
  for (const auto& window : windows) {
    add_window(window, options, places);
    null_score = std::min(null_score, score_of(window, 0, 0) + score_of(window, 0, 1));
  }
  AnswerChoice choice;
  auto& candidates = choice.n_best;
  for (const auto& [place, score] : places) {
    candidates.push_back({place.first, place.second, score, 0});
  }
  const AnswerCandidate none{0, 0, null_score, 0};
  if (options.may_be_missing && !windows.empty()) candidates.push_back(none);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const auto& a, const auto& b) { return a.score > b.score; });
  const auto kept =
      std::min(candidates.size(), static_cast<std::size_t>(std::max(options.n_best, 1)));
  const bool lost =
      options.may_be_missing &&
      std::none_of(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                   [](const auto& candidate) { return candidate.missing(); });
  candidates.resize(kept);
  if (lost && !windows.empty()) candidates.push_back(none);
  set_probabilities(candidates);

  for (const auto& candidate : candidates) {
    if (choice.best.missing() && !candidate.missing()) choice.best = candidate;
    if (candidate.missing()) choice.answer = candidate;
  }
  choice.null_difference = places.empty() || windows.empty() ? 0 : null_score - choice.best.score;
  const bool missing = options.may_be_missing && choice.null_difference > options.null_threshold;
  if (!missing) choice.answer = choice.best;
  return choice;
}

}  // namespace bertha
