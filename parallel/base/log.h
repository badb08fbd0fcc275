// Messages for people on standard error. Threads may log at once; a line is written whole.
#pragma once

#include <string_view>

namespace bertha {

// Ranks other than 0 say nothing but warnings; call once after the rank is known.
void set_log_rank(int rank, int world_size);

void log_info(std::string_view message);     // rank 0 only
void log_warning(std::string_view message);  // any rank; names the rank when there are several

// A progress bar registers how to erase and redraw itself around log lines (empty: none).
struct LogLineHooks {
  void (*before)(void* context) = nullptr;
  void (*after)(void* context) = nullptr;
  void* context = nullptr;
};
void set_log_line_hooks(LogLineHooks hooks);

}  // namespace bertha
