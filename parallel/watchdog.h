// Turns a hang into a named failure: if nobody reports progress for `timeout`, says which phase and
// which collective this rank is stuck in, and who holds it up, and ends the job with exit code 76.
// Has a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "parallel/heartbeat_table.h"

namespace bertha {

class Watchdog {
 public:
  // `on_timeout` is called on the watchdog's thread with the stuck phase and the seconds it took;
  // the default ends the job by abort_job(76). Timeout zero: no watching.
  explicit Watchdog(std::chrono::seconds timeout,
                    std::function<void(const std::string& phase, double seconds)> on_timeout = {});
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Any thread: progress was made, and this is what comes next ("forward", "all-reduce bucket 3").
  // `phase` must be a literal or outlive the watchdog.
  void report(const char* phase);

  // The communicating thread: a collective begins, which counts as progress; returns its number.
  // All ranks make the same collectives, so all give them the same numbers.
  std::uint64_t enter(std::string_view operation, std::uint64_t bytes);
  // The communicating thread is blocked in a collective from here to there.
  void begin_waiting();
  void end_waiting();

  // While one lives, the communicating thread asks again and again, by collectives, how far a long
  // piece of work is. Asking is no progress, so these collectives count for nothing; only the
  // answer that some rank got on with it is.
  class Polling {
   public:
    Polling(Watchdog& watchdog, const char* phase);  // the phase: see report()
    ~Polling();
    Polling(const Polling&) = delete;
    Polling& operator=(const Polling&) = delete;
    // For the error: who has not done his part ("rank 1 is not done"). No progress by itself.
    void waits_for(std::string behind);
    void got_on();

   private:
    Watchdog& watchdog_;
  };
  double waiting_seconds() const;  // in all, so far

  // While one lives nothing is stuck, however long it takes: this rank waits for what comes from
  // outside the job (the other end of a pipe).
  class Pause {
   public:
    Pause(Watchdog& watchdog, const char* phase);  // the phase: see report()
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Watchdog& watchdog_;
  };

  // Any thread: what this rank is doing.
  RankActivity activity() const;
  // Who holds this rank up, for the error; empty function: nobody knows. Called on the watchdog's
  // thread, and not any more once this has returned.
  void set_held_up_by(std::function<std::string()> held_up_by);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bertha
