// One piece of work at a time on a thread of its own, asked for its end without waiting for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace bertha {

// Used by one thread. The destructor asks the work to stop and waits for it.
class BackgroundTask {
 public:
  using Work = std::function<void(const std::stop_token&)>;

  // Only when nothing is under way.
  void start(Work work);
  bool done() const;  // true, too, when nothing was started
  // Until it is done, or so long.
  void wait_for(std::chrono::milliseconds time) const;
  // What the work threw, if anything, once it is done; forgets it.
  void rethrow();

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  bool busy_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: joined before the rest goes
};

}  // namespace bertha
