// Learning rate by step: warm-up, then decay. Pure.
#pragma once

#include <cstdint>

namespace bertha {

enum class ScheduleName { linear, polynomial, cosine, constant };

// Where the way to end_rate begins: when warm-up ends, as in Transformers; or with the run, as in
// NVIDIA's and Google's BERT, where the rate falls at once by what warm-up took of that way.
enum class DecayStart { warmup, start };

struct Schedule {
  ScheduleName name = ScheduleName::linear;
  double peak = 1e-4;
  std::int64_t total_steps = 0;
  std::int64_t warmup_steps = 0;
  double power = 1.0;  // polynomial; 0.5 in NVIDIA's LAMB recipe
  double end_rate = 0.0;
  DecayStart decay_from = DecayStart::warmup;
};

// The rate of update number `step`, counted from 1: step/warmup of the peak while warming up, then
// peak to end_rate at total_steps. A scheduler that is stepped after each update, as in
// Transformers' and torch's loops, gives update n the rate that n - 1 has here, so nothing to the
// first. Steps beyond total_steps keep end_rate; `constant` keeps the peak.
double learning_rate(const Schedule& schedule, std::int64_t step);

}  // namespace bertha
