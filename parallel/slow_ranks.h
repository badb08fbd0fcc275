// Finds the rank that the others wait for, step after step. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bertha {

class SlowRanks {
 public:
  // Seconds of a step that each rank worked, without what it waited for others. Now and then
  // returns a warning that names a rank which takes more than twice as long as the median of the
  // others; each time it looks after twice as many steps, so that a log stays short.
  std::optional<std::string> add(std::span<const double> work_seconds);

 private:
  std::vector<double> sums_;
  int steps_ = 0;
  int window_ = 8;  // steps
};

}  // namespace bertha
