// When this job must end: by an option, or as Slurm says; the run stops and saves before that.
#pragma once

#include <optional>

#include "launch/run_config.h"

namespace bertha {

// Seconds since 1970, as time() counts them.
struct TimeLimit {
  double stop_at = 0;  // from then on a stop is wanted
  double ends_at = 0;  // the job is killed
};

// train.max_seconds from `now` on, else SLURM_JOB_END_TIME, less train.stop_before_seconds, which
// is at most a tenth of the time that is left: a short job must get somewhere, too. Nothing without
// a limit. Error{usage} for negative options; a time that is no number is passed over with a
// warning.
std::optional<TimeLimit> time_limit(const TrainOptions& options, double now,
                                    const char* slurm_end_time);
// The same for this process, now.
std::optional<TimeLimit> time_limit(const TrainOptions& options);
bool reached(const std::optional<TimeLimit>& limit);

}  // namespace bertha
