// A thread that sleeps until the last report is too old.
#include "parallel/watchdog.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/mpi_environment.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRemembered = 8;
constexpr std::chrono::seconds kLongest = std::chrono::years(1);  // more overflows a clock

}  // namespace

struct Watchdog::State {
  std::chrono::seconds timeout{};
  std::function<void(const std::string&, double)> on_timeout;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::array<const char*, kRemembered> phases{"start"};  // a ring
  std::size_t latest = 0;                                // position of the current phase
  Clock::time_point since = Clock::now();
  bool told = false;    // on_timeout was called, and nothing was reported since
  std::jthread thread;  // last member: ends before what it uses

  void watch(std::stop_token stop);
  std::string phases_before() const;
  void end_job(const std::string& phase, double seconds);
};

// Oldest first; a phase that follows itself is named once.
std::string Watchdog::State::phases_before() const {
  std::string text;
  std::string_view previous;
  for (std::size_t i = 1; i < kRemembered; ++i) {
    const char* phase = phases[(latest + i) % kRemembered];
    if (!phase || previous == phase) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", phase);
    previous = phase;
  }
  return text;
}

void Watchdog::State::end_job(const std::string& phase, double seconds) {
  const auto ranks = process_rank_info();
  std::string line = "bertha: error: ";
  if (ranks.world_size > 1) line += fmt::format("rank {}: ", ranks.rank);
  line += fmt::format("no progress for {:.0f} s in phase \"{}\"", seconds, phase);
  {
    const std::scoped_lock lock(mutex);
    if (const auto before = phases_before(); !before.empty()) line += ", after " + before;
  }
  line +=
      " (watchdog); another rank or the storage may be stuck or dead; resume from the last "
      "checkpoint, or raise parallel.timeout_seconds if this phase may take longer\n";
  // Straight to standard error: the main thread may be stuck with the log's lock in its hands.
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  abort_job(static_cast<int>(ErrorKind::communication));
}

void Watchdog::State::watch(std::stop_token stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    // A report alone wakes nobody: the thread looks again when the newest report would be too old.
    const auto seen = since;
    changed.wait_until(lock, stop, seen + timeout, [] { return false; });
    if (stop.stop_requested() || since != seen) continue;
    const std::string phase = phases[latest];
    const double seconds = std::chrono::duration<double>(Clock::now() - since).count();
    told = true;
    lock.unlock();
    on_timeout(phase, seconds);
    lock.lock();
    changed.wait(lock, stop, [&] { return !told; });
  }
}

Watchdog::Watchdog(std::chrono::seconds timeout,
                   std::function<void(const std::string& phase, double seconds)> on_timeout)
    : state_(std::make_unique<State>()) {
  if (timeout <= std::chrono::seconds::zero()) return;
  state_->timeout = std::min(timeout, kLongest);
  state_->on_timeout = std::move(on_timeout);
  if (!state_->on_timeout) {
    state_->on_timeout = [state = state_.get()](const std::string& phase, double seconds) {
      state->end_job(phase, seconds);
    };
  }
  state_->thread =
      std::jthread([state = state_.get()](std::stop_token stop) { state->watch(stop); });
}

Watchdog::~Watchdog() = default;

void Watchdog::report(const char* phase) {
  const std::scoped_lock lock(state_->mutex);
  state_->latest = (state_->latest + 1) % kRemembered;
  state_->phases[state_->latest] = phase;
  state_->since = Clock::now();
  if (!std::exchange(state_->told, false)) return;
  state_->changed.notify_one();
}

}  // namespace bertha
