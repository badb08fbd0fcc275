// Read from uname, /etc/os-release and /proc.
#include "launch/machine_text.h"

#include <fstream>
#include <sys/utsname.h>
#include <thread>

#include <ATen/Version.h>
#include <fmt/format.h>

#include "launch/memory_plan.h"
#include "parallel/base/progress.h"

namespace bertha {
namespace {

// What follows `key` and the separator in the first line that begins with it; "unknown" without.
std::string value_in(const char* file, const std::string& key, char separator) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const auto begin = line.find_first_not_of(" \t\"", line.find(separator) + 1);
    if (begin == std::string::npos) continue;
    return line.substr(begin, line.find_last_not_of(" \t\"") + 1 - begin);
  }
  return "unknown";
}

}  // namespace

std::string machine_text() {
  utsname system{};
  ::uname(&system);
  return fmt::format("system {}, {} {} {}\nprocessor {}, {} threads, {}\nmemory {}\n",
                     value_in("/etc/os-release", "PRETTY_NAME", '='), system.sysname,
                     system.release, system.machine, value_in("/proc/cpuinfo", "model name", ':'),
                     std::thread::hardware_concurrency(), at::get_cpu_capability(),
                     human_bytes(machine_memory_bytes()));
}

}  // namespace bertha
