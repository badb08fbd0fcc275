// The ranks of a job as a command has them: collectives on the host of which every one has a
// deadline, and a side channel that knows who holds the job up.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "parallel/communicator.h"
#include "parallel/heartbeats.h"
#include "parallel/watchdog.h"

namespace bertha {

class WatchedRanks {
 public:
  // Collective. A rank that makes no progress for `timeout` ends the job (76); zero: never.
  // `asked_to_end`: see HeartbeatSettings.
  WatchedRanks(const RankInfo& rank, std::chrono::seconds timeout,
               std::function<bool()> asked_to_end);
  ~WatchedRanks();
  WatchedRanks(const WatchedRanks&) = delete;
  WatchedRanks& operator=(const WatchedRanks&) = delete;

  Communicator& communicator() const { return *watched_; }
  Watchdog& watchdog() { return watchdog_; }

 private:
  void start_heartbeats(std::chrono::seconds timeout, std::function<bool()> asked_to_end);

  Watchdog watchdog_;
  std::unique_ptr<Communicator> mpi_, watched_;  // the second is the first, watched
  std::unique_ptr<Heartbeats> heartbeats_;       // with several ranks
};

}  // namespace bertha
