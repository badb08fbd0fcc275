// The work's thread lays down what it has for the others; this one takes it when all have.
#include "launch/long_work.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "parallel/background_task.h"
#include "parallel/base/error.h"
#include "parallel/ranks_at_work.h"

namespace bertha {
namespace {

using Clock = std::chrono::steady_clock;

// Between two questions: work that was short is not made much longer, and hours of it are asked
// after seldom. All ranks began together and wait alike, so that none spins in MPI for another.
Clock::duration patience(Clock::duration at_work) {
  using std::chrono::milliseconds;
  return std::clamp<Clock::duration>(at_work / 8, milliseconds(1), milliseconds(250));
}

}  // namespace

void LongWork::run(const std::function<void(const std::stop_token&)>& work) {
  if (communicator_.rank_info().world_size == 1) {
    const Watchdog::Pause alone(watchdog_, phase_);
    return work({});
  }
  Watchdog::Polling polling(watchdog_, phase_);
  RanksAtWork ranks;
  BackgroundTask task;  // last: ends before what it uses
  task.start([&](const std::stop_token& stop) {
    stop_ = stop;
    work(stop);
  });
  for (auto began = Clock::now();;) {
    std::this_thread::sleep_for(patience(Clock::now() - began));
    const bool ended = task.done();
    if (ended) task.rethrow();
    polling.waits_for({});  // who is stuck here waits for one that does not even answer
    const bool all = ranks.ask(communicator_, ended || wants_to_meet(), pieces_);
    polling.waits_for(ranks.standing());
    if (ranks.all_got_on()) polling.got_on();
    if (!all) continue;
    if (ended) return;
    meet();
    polling.got_on();
    began = Clock::now();
  }
}

bool LongWork::wants_to_meet() const {
  const std::scoped_lock lock(mutex_);
  return mine_.has_value();
}

void LongWork::meet() {
  std::string_view mine;
  {
    const std::scoped_lock lock(mutex_);
    mine = *mine_;
  }
  auto everyones = communicator_.gather_bytes(mine);
  const std::scoped_lock lock(mutex_);
  everyones_ = std::move(everyones);
  mine_.reset();
  met_.notify_all();
}

std::vector<std::string> LongWork::gather(std::string_view bytes) {
  if (communicator_.rank_info().world_size == 1) return communicator_.gather_bytes(bytes);
  std::unique_lock lock(mutex_);
  mine_ = bytes;
  if (!met_.wait(lock, stop_, [this] { return !mine_; })) {
    throw Error(ErrorKind::internal, "the ranks do not meet any more");
  }
  return std::move(everyones_);
}

}  // namespace bertha
