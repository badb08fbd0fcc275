// The learning-rate schedule that the options mean for a run of so many steps.
#pragma once

#include <cstdint>

#include "launch/run_config.h"
#include "trainer/optim/learning_rate.h"

namespace bertha {

// Error{usage}: a warm-up that is no number of steps, or no share of them.
Schedule resolve_schedule(const TrainerConfig& config, std::int64_t total_steps);

}  // namespace bertha
