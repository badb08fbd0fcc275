// Exact match and F1 of answers, as the official SQuAD scripts count them. Pure.
#pragma once

#include <string>
#include <vector>

#include "trainer/tasks/task.h"

namespace bertha {

struct JudgedAnswer {
  std::string answer;               // what was answered; empty: nothing
  std::string best;                 // the best answer there was, had it to be one
  double null_difference = 0;       // how much better no answer scored than that
  std::vector<std::string> truths;  // empty: the question has no answer
};

// exact_match and f1 in percent, each question against its likeliest truth: by the rules of 1.1
// when every question has an answer. Else by those of 2.0, with HasAns_ and NoAns_ exact, f1 and
// total, and the null_threshold that would have been best for each: best_exact, best_exact_thresh,
// best_f1, best_f1_thresh, as the script's find_best_thresh finds them: 0 where answering nothing
// is best, and among equal differences question by question, though a threshold cannot part them.
Scores answer_scores(const std::vector<JudgedAnswer>& answers);

// F1 of one answer, from 0 to 1, by the rules of 2.0.
double answer_f1(const JudgedAnswer& answer);

}  // namespace bertha
