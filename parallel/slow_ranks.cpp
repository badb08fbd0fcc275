// Means over a window of steps, the slowest against the median of the rest.
#include "parallel/slow_ranks.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace bertha {
namespace {

constexpr double kFactor = 2.0;
constexpr double kLeastSeconds = 0.02;  // a step: below, it is noise
constexpr int kLongestWindow = 4096;

}  // namespace

std::optional<std::string> SlowRanks::add(std::span<const double> work_seconds) {
  if (work_seconds.size() < 2) return std::nullopt;
  sums_.resize(work_seconds.size());
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += work_seconds[i];
  if (++steps_ < window_) return std::nullopt;
  const auto slowest = std::max_element(sums_.begin(), sums_.end());
  const double seconds = *slowest / steps_;
  const auto rank = slowest - sums_.begin();
  auto others = std::exchange(sums_, {});
  const int steps = std::exchange(steps_, 0);
  others.erase(others.begin() + rank);
  const auto middle = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
  std::nth_element(others.begin(), middle, others.end());
  const double median = *middle / steps;
  if (seconds < kFactor * median || seconds - median < kLeastSeconds) return std::nullopt;
  window_ = std::min(2 * window_, kLongestWindow);
  return fmt::format(
      "rank {} is slow: {:.3g} s of work a step, the others {:.3g} s (over {} steps); they wait "
      "for it",
      rank, seconds, median, steps);
}

}  // namespace bertha
