// A lock that its holder may keep over many calls, and that can be called off.
#include "data_pipeline/text/large_records.h"

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
  if (held_ && shared_ != nullptr) shared_->give_back();
  held_ = false;
}

}  // namespace bertha
