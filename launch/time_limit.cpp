// Limits from options and environment, on the wall clock.
#include "launch/time_limit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/log.h"

namespace bertha {
namespace {

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::optional<double> slurm_end(const char* text) {
  if (text == nullptr || *text == '\0') return std::nullopt;
  const std::string_view digits(text);
  double seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  if (error == std::errc() && end == digits.data() + digits.size() && seconds > 0) return seconds;
  log_warning(fmt::format("SLURM_JOB_END_TIME is '{}', no number of seconds", digits));
  return std::nullopt;
}

}  // namespace

std::optional<TimeLimit> time_limit(const TrainOptions& options, double now,
                                    const char* slurm_end_time) {
  if (options.max_seconds < 0 || options.stop_before_seconds < 0) {
    throw Error(ErrorKind::usage,
                "train.max_seconds and train.stop_before_seconds must not be negative");
  }
  TimeLimit limit;
  if (options.max_seconds > 0) {
    limit.ends_at = now + options.max_seconds;
  } else if (const auto end = slurm_end(slurm_end_time); end && *end > now) {
    limit.ends_at = *end;
  } else {
    return std::nullopt;
  }
  limit.stop_at = limit.ends_at - std::min(options.stop_before_seconds, (limit.ends_at - now) / 10);
  return limit;
}

std::optional<TimeLimit> time_limit(const TrainOptions& options) {
  return time_limit(options, seconds_since_1970(), std::getenv("SLURM_JOB_END_TIME"));
}

bool TimeWatch::stop_wanted(double now) {
  if (!limit_) return false;
  if (last_call_ > 0) longest_step_ = std::max(longest_step_, now - last_call_);
  last_call_ = now;
  reached_ |= now + longest_step_ + last_save_ >= limit_->stop_at;
  return reached_;
}

bool TimeWatch::stop_wanted() {
  return limit_ && stop_wanted(seconds_since_1970());
}

}  // namespace bertha
