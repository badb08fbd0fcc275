// SIGTERM, SIGINT and SIGUSR1 ask the run to stop after the current step. The only globals of the
// program: lock-free flags, because a signal handler may touch nothing else.
#pragma once

namespace bertha {

// Installs the handlers. A second SIGINT ends the process at once, for people at a terminal.
void install_stop_signals();
// For commands that have nothing to save: SIGTERM and SIGINT end the process, also one that came
// before. One of several ranks has a second left after SIGTERM, to say which rank is gone.
void let_signals_end_this(bool is_one_of_several);
bool stop_requested();
bool termination_requested();    // by SIGTERM, whatever came before; any thread
const char* stop_signal_name();  // "SIGTERM"; "none" when nothing was asked

}  // namespace bertha
