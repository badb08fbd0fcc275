// /proc/meminfo, and memory.max of the control group (version 2) and of those it lies in.
#include "data_pipeline/shards/available_memory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace bertha {
namespace {

std::uint64_t of_machine() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "MemAvailable:" && file >> kilobytes) return kilobytes * 1024;
  }
  return UINT64_MAX;
}

std::uint64_t of_control_group() {
  std::ifstream file("/proc/self/cgroup");
  std::uint64_t least = UINT64_MAX;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    const std::filesystem::path root("/sys/fs/cgroup");
    for (auto group = root / line.substr(4);; group = group.parent_path()) {
      std::uint64_t limit = 0;  // or "max"
      if (std::ifstream(group / "memory.max") >> limit) least = std::min(least, limit);
      if (group == root || !group.has_relative_path()) break;
    }
  }
  return least;
}

}  // namespace

std::uint64_t available_memory() {
  return std::min(of_machine(), of_control_group());
}

}  // namespace bertha
