// Which part of a context answers a question, by the scores of all its windows. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data_pipeline/labelled/encoded_example.h"

namespace bertha {

struct AnswerOptions {
  int n_best = 20;             // starts and ends of a window that are combined; answers kept
  int max_answer_length = 30;  // tokens
  bool may_be_missing = false;
  double null_threshold = 0;  // no answer when its score is larger than the best one's by more
};

struct AnswerWindow {
  std::span<const TokenOrigin> origins;  // [tokens]; answers are made of those with a word
  const float* outputs;                  // [tokens, 2]: scores of being the start and the end
};

struct AnswerCandidate {
  std::uint32_t begin = 0, end = 0;  // bytes of the context; both 0: no answer
  double score = 0;                  // of start and end together
  double probability = 0;            // among the candidates
  bool missing() const { return begin == 0 && end == 0; }
};

struct AnswerChoice {
  AnswerCandidate answer;  // missing() when there is none
  AnswerCandidate best;    // whatever the score of no answer is; missing() without any candidate
  // Score of no answer (the lowest that a window gives [CLS]) minus the best one's.
  double null_difference = 0;
  std::vector<AnswerCandidate> n_best;  // best first; with no answer where that may be
};

// The rules of Transformers' run_qa, but that a place which several windows show is one candidate.
// Equal scores: what stands earlier is better. A score that is not finite is the lowest.
AnswerChoice choose_answer(std::span<const AnswerWindow> windows, const AnswerOptions& options);

}  // namespace bertha
