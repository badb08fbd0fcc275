// Signal handlers that do no more than remember which signal came.
#include "launch/stop_signal.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <unistd.h>

#include "parallel/base/error.h"

namespace bertha {
namespace {

std::atomic<int> first_signal = 0;
std::atomic<bool> termination = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a handler may touch nothing that locks");

extern "C" void remember_signal(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
  if (signal == SIGTERM) termination = true;
}

extern "C" void end_in_a_second(int signal) {
  remember_signal(signal);
  ::alarm(1);
}

extern "C" void end_now(int) {
  std::signal(SIGTERM, SIG_DFL);
  std::raise(SIGTERM);
}

void handle(int signal, int flags, void (*handler)(int) = remember_signal) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  if (::sigaction(signal, &action, nullptr) != 0) {
    throw Error(ErrorKind::internal, "cannot install a signal handler: " + errno_text(errno));
  }
}

}  // namespace

void install_stop_signals() {
  // Reads and waits that a signal meets go on by themselves.
  handle(SIGTERM, SA_RESTART);
  handle(SIGUSR1, SA_RESTART);
  // Back to the default action once one came: the second ends the process.
  handle(SIGINT, SA_RESTART | static_cast<int>(SA_RESETHAND));
}

void let_signals_end_this(bool is_one_of_several) {
  if (is_one_of_several) {
    handle(SIGALRM, SA_RESTART, end_now);
    handle(SIGTERM, SA_RESTART, end_in_a_second);
  } else {
    handle(SIGTERM, 0, SIG_DFL);
  }
  handle(SIGINT, 0, SIG_DFL);
  const int came = first_signal.load(std::memory_order_relaxed);
  if (came == SIGTERM || came == SIGINT) std::raise(came);
}

bool stop_requested() {
  return first_signal.load(std::memory_order_relaxed) != 0;
}

bool termination_requested() {
  return termination.load(std::memory_order_relaxed);
}

const char* stop_signal_name() {
  switch (first_signal.load(std::memory_order_relaxed)) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "none";
  }
}

}  // namespace bertha
