// A side channel beside MPI: a thread of each rank tells rank 0 by UDP what the rank is doing, and
// hears back who holds the job up. It works while the main thread is stuck. It only informs: a lost
// message, or a network that lets none through, costs a name in an error, never the run.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "parallel/communicator.h"
#include "parallel/heartbeat_table.h"

namespace bertha {

struct HeartbeatSettings {
  std::chrono::milliseconds interval{1000};
  // After so long without progress rank 0 warns once who is waited for.
  std::chrono::seconds patience{60};
  // Whether somebody outside asked this process to end, as a launcher does with those that are left
  // when a rank was killed. Empty: nobody does. Called on the thread of the heartbeats.
  std::function<bool()> asked_to_end{};
  // Then: a line that says which ranks are gone without a word, if any. Empty: to standard error.
  std::function<void(const std::string& line)> tell{};
};

class Heartbeats {
 public:
  // Collective: rank 0's address travels over `communicator`. `activity` is called on the thread of
  // the heartbeats and must be safe there.
  Heartbeats(Communicator& communicator, std::function<RankActivity()> activity,
             HeartbeatSettings settings);
  // Says goodbye, so that nobody takes this rank for one that is gone without a word.
  ~Heartbeats();
  Heartbeats(const Heartbeats&) = delete;
  Heartbeats& operator=(const Heartbeats&) = delete;

  // Who holds the job up, as far as this rank knows. Any thread.
  std::string held_up_by() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
