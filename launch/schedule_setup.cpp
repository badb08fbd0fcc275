// Warm-up by steps or by fraction, resolved.
#include "launch/schedule_setup.h"

#include <cmath>

#include <fmt/format.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

void check_warmup(const ScheduleOptions& options) {
  if (options.warmup_steps < -1) {
    throw Error(ErrorKind::usage,
                fmt::format("schedule.warmup_steps = {}: expected 0 or more, or -1 for "
                            "schedule.warmup_fraction",
                            options.warmup_steps));
  }
  if (options.warmup_fraction >= 0 && options.warmup_fraction <= 1) return;  // false for NaN
  throw Error(ErrorKind::usage,
              fmt::format("schedule.warmup_fraction = {}: expected a share of all updates, from 0 "
                          "to 1",
                          options.warmup_fraction));
}

}  // namespace

Schedule resolve_schedule(const TrainerConfig& config, std::int64_t total_steps) {
  const auto& options = config.schedule;
  check_warmup(options);
  Schedule schedule;
  schedule.name = options.name;
  schedule.peak = config.learning_rate;
  schedule.total_steps = total_steps;
  schedule.warmup_steps =
      options.warmup_steps >= 0
          ? options.warmup_steps
          : std::llround(options.warmup_fraction * static_cast<double>(total_steps));
  schedule.power = options.power;
  schedule.end_rate = options.end_rate;
  schedule.decay_from = options.decay_from;
  return schedule;
}

}  // namespace bertha
