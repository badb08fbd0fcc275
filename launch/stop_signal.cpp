// Signal handlers that do no more than remember which signal came.
#include "launch/stop_signal.h"

#include <atomic>
#include <cerrno>
#include <csignal>

#include "parallel/base/error.h"

namespace bertha {
namespace {

std::atomic<int> first_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a handler may touch nothing that locks");

extern "C" void remember_signal(int signal) {
  int none = 0;
  first_signal.compare_exchange_strong(none, signal);
}

void handle(int signal, int flags) {
  struct sigaction action {};
  action.sa_handler = remember_signal;
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

void let_signals_end_this() {
  for (const int signal : {SIGTERM, SIGINT}) {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
    if (first_signal.load(std::memory_order_relaxed) == signal) std::raise(signal);
  }
}

bool stop_requested() {
  return first_signal.load(std::memory_order_relaxed) != 0;
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
