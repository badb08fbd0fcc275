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
  if (both.empty()) return {exact, 0};
  // Computed as the scripts do it: the same bits, so that equal sums of f1 are equal there and
  // here.
  const auto common = static_cast<double>(both.size());
  const double precision = common / static_cast<double>(left.size());
  const double recall = common / static_cast<double>(right.size());
  return {exact, 2 * precision * recall / (precision + recall)};
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

// What the sum of scores gains when a question is answered rather than left out.
struct Gain {
  double null_difference, gain;
};

// find_best_thresh of the official script of 2.0: at first no question is answered, which earns
// `unanswerable`, and the threshold is 0; then one after the other is, from the lowest difference
// on, in their order where it is the same. {percent, threshold} of the first best place to stop.
std::pair<double, double> best_threshold(std::vector<Gain> questions, double unanswerable) {
  std::stable_sort(questions.begin(), questions.end(), [](const Gain& a, const Gain& b) {
    return a.null_difference < b.null_difference;
  });
  double score = unanswerable, best = score, threshold = 0;
  for (const auto& question : questions) {
    score += question.gain;
    if (score <= best) continue;
    best = score;
    threshold = question.null_difference;
  }
  return {100 * best / static_cast<double>(questions.size()), threshold};
}

void report_best_thresholds(const std::vector<JudgedAnswer>& answers, Scores& scores) {
  std::vector<Gain> exact, f1;
  double unanswerable = 0;
  for (const auto& judged : answers) {
    const auto difference = judged.null_difference;
    if (judged.truths.empty()) {  // any answer is wrong, be it an article alone
      const double gain = judged.best.empty() ? 0 : -1;
      exact.push_back({difference, gain});
      f1.push_back({difference, gain});
      ++unanswerable;
    } else {
      const auto match = match_answer(judged.best, truths_of(judged, true), true);
      exact.push_back({difference, match.exact});
      f1.push_back({difference, match.f1});
    }
  }
  const auto [best_exact, exact_threshold] = best_threshold(std::move(exact), unanswerable);
  const auto [best_f1, f1_threshold] = best_threshold(std::move(f1), unanswerable);
  scores.insert(scores.end(), {{"best_exact", best_exact},
                               {"best_exact_thresh", exact_threshold},
                               {"best_f1", best_f1},
                               {"best_f1_thresh", f1_threshold}});
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
  for (const auto& judged : answers) {
    const auto truths = truths_of(judged, may_be_missing);
    const auto match = match_answer(judged.answer, truths, may_be_missing);
    all.add(match);
    (judged.truths.empty() ? without : with).add(match);
  }
  Scores scores{{"exact_match", all.percent(all.sum.exact)}, {"f1", all.percent(all.sum.f1)}};
  if (!may_be_missing) return scores;
  with.report("HasAns_", scores);
  without.report("NoAns_", scores);
  report_best_thresholds(answers, scores);
  return scores;
}

}  // namespace bertha
