// A time within which something must be over: for what comes before and after all watchdogs, MPI's
// own beginning and end, in which a rank that does not come leaves the others without a word.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace bertha {

class Deadline {
 public:
  // Unless it is destroyed before, `expired` is called once after `limit`, on a thread of its own;
  // zero: never.
  Deadline(std::chrono::milliseconds limit, std::function<void()> expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread thread_;  // none without a limit
};

}  // namespace bertha
