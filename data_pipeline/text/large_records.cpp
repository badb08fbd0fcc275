// A lock that its holder may keep over many calls, and that can be called off.
#include "data_pipeline/text/large_records.h"

#include <malloc.h>

namespace bertha {

void LargeRecords::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

void LargeRecords::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopped_ || !taken_; });
  taken_ = true;
}

void LargeRecords::give_back() {
  {
    const std::scoped_lock lock(mutex_);
    taken_ = false;
  }
  changed_.notify_one();
}

void LargeRecordTurn::begin() {
  if (shared_ != nullptr) shared_->take();
  held_ = true;
}

void LargeRecordTurn::end() {
  if (!held_) return;
#ifdef __GLIBC__
  // The record lay in many small pieces, which this thread's arena would keep while the next reader
  // fills its own.
  ::malloc_trim(0);
#endif
  if (shared_ != nullptr) shared_->give_back();
  held_ = false;
}

}  // namespace bertha
