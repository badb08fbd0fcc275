// A thread that sleeps until the deadline or its end, whichever comes first.
#include "parallel/deadline.h"

#include <utility>

namespace bertha {

Deadline::Deadline(std::chrono::milliseconds limit, std::function<void()> expired) {
  if (limit <= std::chrono::milliseconds::zero()) return;
  thread_ = std::thread([this, limit, expired = std::move(expired)] {
    std::unique_lock lock(mutex_);
    if (!over_.wait_for(lock, limit, [this] { return is_over_; })) expired();
  });
}

Deadline::~Deadline() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
  }
  over_.notify_all();
  thread_.join();
}

}  // namespace bertha
