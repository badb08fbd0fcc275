// When this job must end: by an option, or as Slurm says; the run stops and saves before that.
#pragma once

#include <optional>

#include "launch/run_config.h"

namespace bertha {

// Seconds since 1970, as time() counts them.
struct TimeLimit {
  double stop_at = 0;  // by then the run should have stopped and saved
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

// Asks for a stop in time: with TimeLimit::stop_at only the margin is left, and then a step may
// still be under way, and the state must be saved. So it stops sooner by as long as the longest
// step and the last save took. Of one rank; ranks agree on a stop.
class TimeWatch {
 public:
  explicit TimeWatch(const std::optional<TimeLimit>& limit) : limit_(limit) {}

  // Asked at the end of every step, whose length is from call to call: also of a validation
  // between. `now` as time() counts.
  bool stop_wanted(double now);
  bool stop_wanted();
  void saved(double seconds) { last_save_ = seconds; }
  bool reached() const { return reached_; }  // a stop was wanted

 private:
  std::optional<TimeLimit> limit_;
  double last_call_ = 0, longest_step_ = 0, last_save_ = 0;
  bool reached_ = false;
};

}  // namespace bertha
