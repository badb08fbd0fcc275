// Readers side by side hold one large record, and one wide window of a decompressor, at a time:
// memory does not grow with their number.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace bertha {

// Beyond this, a record in the making waits for its turn.
inline constexpr std::size_t kLargeRecordBytes = std::size_t{4} << 20;

// Beyond this, a file whose decompressor must look back so far waits for its turn: 128 MiB in each
// of eight readers would be a gigabyte.
inline constexpr std::uint64_t kWideWindowBytes = std::uint64_t{8} << 20;

// A lock that its holder may keep over many calls, and that can be called off.
class OneAtATime {
 public:
  void take();  // waits, unless it was called off
  void give_back();
  void call_off();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool taken_ = false, called_off_ = false;
};

class LargeRecords {
 public:
  void stop();  // nobody waits any more: all readers are about to end

 private:
  friend class LargeRecordTurn;
  friend class WideWindowTurn;
  OneAtATime records_, windows_;
};

// A file's turn, as long as it is open. Taken before any LargeRecordTurn of the same reader, so
// that no two readers wait for each other.
class WideWindowTurn {
 public:
  WideWindowTurn(LargeRecords* shared, std::uint64_t window_bytes);  // may wait
  ~WideWindowTurn();
  WideWindowTurn(const WideWindowTurn&) = delete;
  WideWindowTurn& operator=(const WideWindowTurn&) = delete;

 private:
  LargeRecords* held_;  // null: nobody waits for it
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
  LargeRecords* shared() const { return shared_; }
  void end();

 private:
  void begin();

  LargeRecords* shared_;
  bool held_ = false;
};

}  // namespace bertha
