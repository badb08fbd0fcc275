// Turns a hang into a named failure: if nobody reports progress for `timeout`, says which phase
// this rank is stuck in and ends the job with exit code 76. Has a thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace bertha {

class Watchdog {
 public:
  // `on_timeout` is called on the watchdog's thread with the stuck phase and the seconds it took;
  // the default ends the job by abort_job(76). Timeout zero: no watching.
  explicit Watchdog(std::chrono::seconds timeout,
                    std::function<void(const std::string& phase, double seconds)> on_timeout = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Any thread: progress was made, and this is what comes next ("forward", "all-reduce bucket 3").
  // `phase` must be a literal or outlive the watchdog.
  void report(const char* phase);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
