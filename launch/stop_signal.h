// SIGTERM, SIGINT and SIGUSR1 ask the run to stop after the current step. The one global of the
// program: a lock-free flag, because a signal handler may touch nothing else.
#pragma once

namespace bertha {

// Installs the handlers. A second SIGINT ends the process at once, for people at a terminal.
void install_stop_signals();
// For commands that have nothing to save: SIGTERM and SIGINT end the process, also one that came
// before.
void let_signals_end_this();
bool stop_requested();
const char* stop_signal_name();  // "SIGTERM"; "none" when nothing was asked

}  // namespace bertha
