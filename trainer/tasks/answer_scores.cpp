// Words in common, counted.
#include "trainer/tasks/answer_scores.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "data_pipeline/text/answer_words.h"

namespace bertha {
namespace {

using Words = std::vector<std::string>;

struct Match {
  double exact = 0, f1 = 0;
};

Match match_words(const Words& answer, const Words& truth, bool may_be_missing) {
  const double exact = answer == truth ? 1 : 0;
  if (answer.empty() || truth.empty()) return {exact, may_be_missing ? exact : 0};
  auto left = answer, right = truth;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  Words both;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::back_inserter(both));
  const auto common = static_cast<double>(both.size());
  return {exact, 2 * common / static_cast<double>(left.size() + right.size())};
}

// Version 2.0 does not count truths of which nothing is left; without any, nothing is right.
std::vector<Words> truths_of(const JudgedAnswer& judged, bool may_be_missing) {
  std::vector<Words> truths;
  for (const auto& truth : judged.truths) {
    auto words = answer_words(truth);
    if (!words.empty() || !may_be_missing) truths.push_back(std::move(words));
  }
  if (truths.empty()) truths.emplace_back();
  return truths;
}

Match match_answer(const std::string& answer, const std::vector<Words>& truths,
                   bool may_be_missing) {
  const auto words = answer_words(answer);
  Match best;
  for (const auto& truth : truths) {
    const auto match = match_words(words, truth, may_be_missing);
    best = {std::max(best.exact, match.exact), std::max(best.f1, match.f1)};
  }
  return best;
}

struct Tally {
  Match sum;
  double count = 0;

  void add(const Match& match) {
    sum = {sum.exact + match.exact, sum.f1 + match.f1};
    ++count;
  }
  double percent(double part) const { return count > 0 ? 100 * part / count : 0; }
  void report(const std::string& prefix, Scores& scores) const {
    if (count == 0) return;
    scores.emplace_back(prefix + "exact", percent(sum.exact));
    scores.emplace_back(prefix + "f1", percent(sum.f1));
    scores.emplace_back(prefix + "total", count);
  }
};

// What the best answer of a question earns, and what no answer does.
struct Stake {
  double null_difference, answered, missing;
};

// Questions are answered from the lowest difference on; {percent, threshold} of the best place to
// stop.
std::pair<double, double> best_threshold(std::vector<Stake> stakes) {
  std::stable_sort(stakes.begin(), stakes.end(), [](const Stake& a, const Stake& b) {
    return a.null_difference < b.null_difference;
  });
  double score = 0;
  for (const auto& stake : stakes) score += stake.missing;
  double best = score, threshold = stakes.empty() ? 0 : stakes.front().null_difference - 1;
  for (std::size_t i = 0; i < stakes.size(); ++i) {
    score += stakes[i].answered - stakes[i].missing;
    const bool last_of_equals =
        i + 1 == stakes.size() || stakes[i + 1].null_difference != stakes[i].null_difference;
    if (last_of_equals && score > best + 1e-9) {
      best = score;
      threshold = stakes[i].null_difference;
    }
  }
  return {100 * best / std::max(1.0, static_cast<double>(stakes.size())), threshold};
}

}  // namespace

double answer_f1(const JudgedAnswer& answer) {
  return match_answer(answer.answer, truths_of(answer, true), true).f1;
}

Scores answer_scores(const std::vector<JudgedAnswer>& answers) {
  const bool may_be_missing =
      std::any_of(answers.begin(), answers.end(),
                  [](const JudgedAnswer& judged) { return judged.truths.empty(); });
  Tally all, with, without;
  std::vector<Stake> exact, f1;
  for (const auto& judged : answers) {
    const auto truths = truths_of(judged, may_be_missing);
    const auto match = match_answer(judged.answer, truths, may_be_missing);
    all.add(match);
    if (!may_be_missing) continue;
    (judged.truths.empty() ? without : with).add(match);
    const auto answered = match_answer(judged.best, truths, true);
    const auto missing = match_answer("", truths, true);
    exact.push_back({judged.null_difference, answered.exact, missing.exact});
    f1.push_back({judged.null_difference, answered.f1, missing.f1});
  }
  Scores scores{{"exact_match", all.percent(all.sum.exact)}, {"f1", all.percent(all.sum.f1)}};
  if (!may_be_missing) return scores;
  with.report("HasAns_", scores);
  without.report("NoAns_", scores);
  const auto [best_exact, exact_threshold] = best_threshold(std::move(exact));
  const auto [best_f1, f1_threshold] = best_threshold(std::move(f1));
  scores.insert(scores.end(), {{"best_exact", best_exact},
                               {"best_exact_thresh", exact_threshold},
                               {"best_f1", best_f1},
                               {"best_f1_thresh", f1_threshold}});
  return scores;
}

}  // namespace bertha
