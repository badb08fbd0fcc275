// A thread that sleeps until the last report is too old.
#include "parallel/watchdog.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "parallel/base/error.h"
#include "parallel/base/error_line.h"
#include "parallel/mpi_environment.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kRemembered = 8;
constexpr std::chrono::seconds kLongPoll{1};
constexpr std::chrono::seconds kLongest = std::chrono::years(1);  // more overflows a clock

}  // namespace

struct Watchdog::State {
  std::chrono::seconds timeout{};
  Clock::duration tick{};  // between two looks
  std::function<void(const std::string&, double)> on_timeout;

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::array<const char*, kRemembered> phases{"start"};  // a ring
  std::size_t latest = 0;                                // position of the current phase
  Clock::time_point since = Clock::now();
  bool told = false;      // on_timeout was called, and nothing was reported since
  RankActivity activity;  // but for the phase and the time
  double waiting_seconds = 0;
  Clock::time_point blocked_since{};
  bool polling = false;  // see Polling
  bool paused = false;   // see Pause
  std::string behind;

  std::mutex peers_mutex;  // held while the function runs
  std::function<std::string()> held_up_by;

  std::jthread thread;  // last member: ends before what it uses

  void watch(std::stop_token stop);
  std::string phases_before() const;
  void progress() {  // with the mutex
    since = Clock::now();
    if (std::exchange(told, false)) changed.notify_one();
  }
  std::string place() const;
  std::string peers();
  void end_job(const std::string& phase, double seconds);
};

// Behind the phase: who has not done his part, the collective, and the phases before.
std::string Watchdog::State::place() const {
  const std::scoped_lock lock(mutex);
  std::string text;
  if (!behind.empty()) text += ": " + behind;
  if (activity.sequence > 0) {
    text += fmt::format(", last collective {} #{} of {} bytes", activity.operation.data(),
                        activity.sequence, activity.bytes);
  }
  if (const auto before = phases_before(); !before.empty()) text += ", after " + before;
  return text;
}

std::string Watchdog::State::peers() {
  const std::scoped_lock lock(peers_mutex);
  return held_up_by ? held_up_by() : std::string();
}

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
  auto message = fmt::format("no progress for {:.0f} s in phase \"{}\"{}", seconds, phase, place());
  if (const auto others = peers(); !others.empty()) message += "; " + others;
  const Error error(ErrorKind::communication, message,
                    "another rank or the storage may be stuck or dead; the same command goes on "
                    "from what was saved; raise parallel.timeout_seconds if this phase may take "
                    "longer",
                    std::string("watchdog"));
  print_line(error_line(error, process_rank_info()));
  abort_job(static_cast<int>(ErrorKind::communication));
}

void Watchdog::State::watch(std::stop_token stop) {
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    // A report alone wakes nobody: the thread looks now and then.
    const auto began = Clock::now();
    changed.wait_for(lock, stop, tick, [] { return false; });
    // Who was stopped himself, and goes on, has no right to blame the others for the time.
    const auto overslept = Clock::now() - began - tick;
    if (overslept > tick + std::chrono::seconds(1)) since += overslept;
    if (stop.stop_requested() || paused || Clock::now() - since < timeout) continue;
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
  state_->tick = std::min<Clock::duration>(
      std::chrono::seconds(1), std::chrono::milliseconds(125) * state_->timeout.count());
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
  state_->progress();
}

std::uint64_t Watchdog::enter(std::string_view operation, std::uint64_t bytes) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->polling) return state_->activity.sequence;
  state_->activity.operation = short_text(operation);
  state_->activity.bytes = bytes;
  state_->progress();
  return ++state_->activity.sequence;
}

void Watchdog::begin_waiting() {
  const std::scoped_lock lock(state_->mutex);
  state_->activity.blocked = true;
  state_->blocked_since = Clock::now();
}

void Watchdog::end_waiting() {
  const std::scoped_lock lock(state_->mutex);
  state_->activity.blocked = false;
  state_->waiting_seconds +=
      std::chrono::duration<double>(Clock::now() - state_->blocked_since).count();
}

Watchdog::Polling::Polling(Watchdog& watchdog, const char* phase) : watchdog_(watchdog) {
  watchdog_.report(phase);
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->polling = true;
}

Watchdog::Polling::~Polling() {
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->polling = false;
  watchdog_.state_->behind.clear();
  watchdog_.state_->progress();  // it is over
}

void Watchdog::Polling::waits_for(std::string behind) {
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->behind = std::move(behind);
}

void Watchdog::Polling::got_on() {
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->progress();
}

Watchdog::Pause::Pause(Watchdog& watchdog, const char* phase) : watchdog_(watchdog) {
  watchdog_.report(phase);
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->paused = true;
}

Watchdog::Pause::~Pause() {
  const std::scoped_lock lock(watchdog_.state_->mutex);
  watchdog_.state_->paused = false;
  watchdog_.state_->progress();
}

double Watchdog::waiting_seconds() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->waiting_seconds;
}

RankActivity Watchdog::activity() const {
  const std::scoped_lock lock(state_->mutex);
  auto activity = state_->activity;
  activity.phase = short_text(state_->phases[state_->latest]);
  // Who polls is in and out of a collective all the time: only a long wait means anything.
  if (state_->polling && Clock::now() - state_->blocked_since < kLongPoll) activity.blocked = false;
  activity.idle_seconds = std::chrono::duration<double>(Clock::now() - state_->since).count();
  return activity;
}

void Watchdog::set_held_up_by(std::function<std::string()> held_up_by) {
  const std::scoped_lock lock(state_->peers_mutex);
  state_->held_up_by = std::move(held_up_by);
}

}  // namespace bertha
