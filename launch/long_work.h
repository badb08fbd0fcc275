// Work of any length that every rank does, and that now and then meets the other ranks: a rank that
// gets on is waited for as long as it takes, one that does not ends the job.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "parallel/communicator.h"
#include "parallel/watchdog.h"

namespace bertha {

class LongWork {
 public:
  // `phase` is what errors call it: a literal. The others must outlive it.
  LongWork(Communicator& communicator, Watchdog& watchdog, const char* phase)
      : communicator_(communicator), watchdog_(watchdog), phase_(phase) {}

  // Collective. Does `work` on a thread of its own, while this one asks all ranks again and again
  // how far they are: if one that is waited for does not get on for the watchdog's time (twice that
  // at most), the job ends. Returns when the work of all ranks has ended, and throws at once what
  // was thrown here. The token asks the work to give up. One rank alone, which nobody waits for,
  // just works.
  void run(const std::function<void(const std::stop_token&)>& work);

  // For the work. Any thread, as often as it likes: a piece is done.
  void got_on() { pieces_.fetch_add(1, std::memory_order_relaxed); }
  // On the work's own thread, and collective: everybody's bytes, by rank.
  std::vector<std::string> gather(std::string_view bytes);

 private:
  bool wants_to_meet() const;
  void meet();

  Communicator& communicator_;
  Watchdog& watchdog_;
  const char* phase_;
  std::atomic<std::uint64_t> pieces_ = 0;
  std::stop_token stop_;  // the work's

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any met_;
  std::optional<std::string_view> mine_;  // what the work waits with
  std::vector<std::string> everyones_;
};

}  // namespace bertha
