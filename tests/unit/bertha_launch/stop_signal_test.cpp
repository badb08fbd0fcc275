// Signals ask for a stop once; a second SIGINT ends the process. Each in a process of its own,
// because the flag is never taken back.
#include "launch/stop_signal.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

#include <gtest/gtest.h>

namespace bertha {
namespace {

// 0 when the flag holds exactly what it should.
int state_after(std::initializer_list<int> signals, const char* name) {
  install_stop_signals();
  if (stop_requested() || std::strcmp(stop_signal_name(), "none") != 0) return 1;
  for (const int signal : signals) ::raise(signal);
  if (!stop_requested()) return 2;
  return std::strcmp(stop_signal_name(), name) == 0 ? 0 : 3;
}

TEST(StopSignalDeathTest, EverySignalAsksForAStop) {
  const auto ends_well = testing::ExitedWithCode(0);
  EXPECT_EXIT(::_exit(state_after({SIGTERM}, "SIGTERM")), ends_well, "");
  EXPECT_EXIT(::_exit(state_after({SIGINT}, "SIGINT")), ends_well, "");
  EXPECT_EXIT(::_exit(state_after({SIGUSR1}, "SIGUSR1")), ends_well, "");
}

TEST(StopSignalDeathTest, TheFirstSignalIsTheReasonAndOthersDoNoHarm) {
  EXPECT_EXIT(::_exit(state_after({SIGUSR1, SIGTERM, SIGTERM, SIGUSR1, SIGINT}, "SIGUSR1")),
              testing::ExitedWithCode(0), "");
}

TEST(StopSignalDeathTest, ASecondInterruptEndsTheProcess) {
  EXPECT_EXIT(::_exit(state_after({SIGINT, SIGINT}, "SIGINT")), testing::KilledBySignal(SIGINT),
              "");
}

// A read that a signal meets goes on: the handler must not turn into failed input.
TEST(StopSignalDeathTest, ReadsGoOnAfterASignal) {
  const auto read_across_a_signal = [] {
    install_stop_signals();
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    const auto parent = ::getpid();
    const auto child = ::fork();
    if (child == 0) {
      ::usleep(200'000);
      ::kill(parent, SIGTERM);
      ::usleep(200'000);
      ::_exit(::write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    char byte = 0;
    return ::read(ends[0], &byte, 1) == 1 && byte == 'x' && stop_requested() ? 0 : 2;
  };
  EXPECT_EXIT(::_exit(read_across_a_signal()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace bertha
