// Watchdog, communicator and heartbeats, in the order in which they need each other.
#include "parallel/watched_ranks.h"

#include <algorithm>
#include <utility>

#include "parallel/mpi_communicator.h"
#include "parallel/watched_communicator.h"

namespace bertha {

WatchedRanks::WatchedRanks(const RankInfo& rank, std::chrono::seconds timeout,
                           std::function<bool()> asked_to_end)
    : watchdog_(timeout),
      mpi_(make_mpi_communicator(rank)),
      watched_(watch_communicator(*mpi_, watchdog_)) {
  start_heartbeats(timeout, std::move(asked_to_end));
}

WatchedRanks::~WatchedRanks() {
  watchdog_.set_held_up_by({});
}

void WatchedRanks::start_heartbeats(std::chrono::seconds timeout,
                                    std::function<bool()> asked_to_end) {
  using std::chrono::milliseconds, std::chrono::seconds;
  if (watched_->rank_info().world_size == 1 || timeout <= seconds::zero()) return;
  watchdog_.report("agreeing on heartbeats");
  heartbeats_ = std::make_unique<Heartbeats>(
      *watched_, [this] { return watchdog_.activity(); },
      HeartbeatSettings{.interval = milliseconds(125) * std::min<seconds::rep>(8, timeout.count()),
                        .patience = std::clamp(timeout / 2, seconds(1), seconds(60)),
                        .asked_to_end = std::move(asked_to_end)});
  watchdog_.set_held_up_by([this] { return heartbeats_->held_up_by(); });
}

}  // namespace bertha
