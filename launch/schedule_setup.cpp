// Warm-up by steps or by fraction, resolved.
#include "launch/schedule_setup.h"

#include <cmath>

namespace bertha {

Schedule resolve_schedule(const TrainerConfig& config, std::int64_t total_steps) {
  const auto& options = config.schedule;
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
  return schedule;
}

}  // namespace bertha
