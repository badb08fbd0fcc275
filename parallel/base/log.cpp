// Whole-line writes to standard error under one mutex.
#include "parallel/base/log.h"

#include <cstdio>
#include <mutex>
#include <string>

namespace bertha {
namespace {

struct LogState {
  std::mutex mutex;
  int rank = 0;
  int world_size = 1;
  LogLineHooks hooks;
};

LogState& state() {
  static LogState log_state;
  return log_state;
}

void write_line(const std::string& line) {
  auto& log = state();
  if (log.hooks.before) log.hooks.before(log.hooks.context);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  if (log.hooks.after) log.hooks.after(log.hooks.context);
}

}  // namespace

void set_log_rank(int rank, int world_size) {
  const std::scoped_lock lock(state().mutex);
  state().rank = rank;
  state().world_size = world_size;
}

void log_info(std::string_view message) {
  const std::scoped_lock lock(state().mutex);
  if (state().rank == 0) write_line("bertha: " + std::string(message) + "\n");
}

void log_warning(std::string_view message) {
  const std::scoped_lock lock(state().mutex);
  std::string line = "bertha: warning: ";
  if (state().world_size > 1) line += "rank " + std::to_string(state().rank) + ": ";
  write_line(line + std::string(message) + "\n");
}

void set_log_line_hooks(LogLineHooks hooks) {
  const std::scoped_lock lock(state().mutex);
  state().hooks = hooks;
}

}  // namespace bertha
