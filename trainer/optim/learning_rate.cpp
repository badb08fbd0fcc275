// Warm-up and the four ways to decay.
#include "trainer/optim/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bertha {
namespace {

// What is left of the way from peak to end_rate, by the share of the way that is done.
double share_left(const Schedule& schedule, double done) {
  switch (schedule.name) {
    case ScheduleName::linear:
      return 1.0 - done;
    case ScheduleName::polynomial:
      return std::pow(1.0 - done, schedule.power);
    case ScheduleName::cosine:
      return 0.5 * (1.0 + std::cos(std::numbers::pi * done));
    case ScheduleName::constant:
      return 1.0;
  }
  return 1.0;
}

}  // namespace

double learning_rate(const Schedule& schedule, std::int64_t step) {
  const auto warmup = static_cast<double>(schedule.warmup_steps);
  const auto now = static_cast<double>(step);
  if (step <= schedule.warmup_steps) return warmup > 0 ? schedule.peak * now / warmup : 0.0;
  if (schedule.name == ScheduleName::constant) return schedule.peak;
  if (step >= schedule.total_steps) return schedule.end_rate;
  const double begin = schedule.decay_from == DecayStart::start ? 0.0 : warmup;
  const double done = (now - begin) / (static_cast<double>(schedule.total_steps) - begin);
  return schedule.end_rate + (schedule.peak - schedule.end_rate) * share_left(schedule, done);
}

}  // namespace bertha
