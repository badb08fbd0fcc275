// A thread, a flag and what was thrown.
#include "parallel/background_task.h"

#include <utility>

namespace bertha {

void BackgroundTask::start(Work work) {
  busy_ = true;
  thread_ = std::jthread([this, work = std::move(work)](const std::stop_token& stop) {
    std::exception_ptr failure;
    try {
      work(stop);
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    busy_ = false;
    ended_.notify_all();
  });
}

bool BackgroundTask::done() const {
  const std::lock_guard lock(mutex_);
  return !busy_;
}

void BackgroundTask::wait_for(std::chrono::milliseconds time) const {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, time, [this] { return !busy_; });
}

void BackgroundTask::rethrow() {
  std::exception_ptr failure;
  {
    const std::lock_guard lock(mutex_);
    failure = std::exchange(failure_, nullptr);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace bertha
