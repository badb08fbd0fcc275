// Readers side by side hold one large record at a time: memory does not grow with their number.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace bertha {

// Beyond this, a record in the making waits for its turn.
inline constexpr std::size_t kLargeRecordBytes = std::size_t{4} << 20;

class LargeRecords {
 public:
  void stop();  // nobody waits any more: all readers are about to end

 private:
  friend class LargeRecordTurn;
  void take();
  void give_back();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false, stopped_ = false;
};

// A reader's turn, from where a record turns out to be large until its memory is free again.
class LargeRecordTurn {
 public:
  explicit LargeRecordTurn(LargeRecords* shared) : shared_(shared) {}  // null: nobody to wait for
  ~LargeRecordTurn() { end(); }
  LargeRecordTurn(const LargeRecordTurn&) = delete;
  LargeRecordTurn& operator=(const LargeRecordTurn&) = delete;

  // `bytes` of the record are there so far, and more come. May wait for another reader.
  void hold(std::size_t bytes) {
    if (bytes > kLargeRecordBytes && !held_) begin();
  }
  bool held() const { return held_; }
  void end();

 private:
  void begin();

  LargeRecords* shared_;
  bool held_ = false;
};

}  // namespace bertha
