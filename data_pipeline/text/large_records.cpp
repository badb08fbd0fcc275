// Turns, and the memory that goes back at their end.
#include "data_pipeline/text/large_records.h"

#include <malloc.h>

namespace bertha {

void OneAtATime::call_off() {
  {
    const std::scoped_lock lock(mutex_);
    called_off_ = true;
  }
  changed_.notify_all();
}

void OneAtATime::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return called_off_ || !taken_; });
  taken_ = true;
}

void OneAtATime::give_back() {
  {
    const std::scoped_lock lock(mutex_);
    taken_ = false;
  }
  changed_.notify_one();
}

void LargeRecords::stop() {
  records_.call_off();
  windows_.call_off();
}

WideWindowTurn::WideWindowTurn(LargeRecords* shared, std::uint64_t window_bytes)
    : held_(window_bytes > kWideWindowBytes ? shared : nullptr) {
  if (held_ != nullptr) held_->windows_.take();
}

WideWindowTurn::~WideWindowTurn() {
  if (held_ != nullptr) held_->windows_.give_back();
}

void LargeRecordTurn::begin() {
  if (shared_ != nullptr) shared_->records_.take();
  held_ = true;
}

void LargeRecordTurn::end() {
  if (!held_) return;
#ifdef __GLIBC__
  // The record lay in many small pieces, which this thread's arena would keep while the next reader
  // fills its own.
  ::malloc_trim(0);
#endif
  if (shared_ != nullptr) shared_->records_.give_back();
  held_ = false;
}

}  // namespace bertha
