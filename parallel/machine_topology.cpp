// Linux's lists of cores, and affinity masks.
#include "parallel/machine_topology.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numeric>
#include <sched.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace bertha {
namespace {

constexpr int kMostCores = 1 << 16;  // more than any machine has

bool parse_number(std::string_view text, int& value) {
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end && value >= 0 && value < kMostCores;
}

std::vector<int> read_core_list(const std::filesystem::path& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return parse_core_list(line);
}

std::vector<int> first_cores(int count) {
  std::vector<int> cores(static_cast<std::size_t>(count));
  std::iota(cores.begin(), cores.end(), 0);
  return cores;
}

std::vector<int> cores_of(const cpu_set_t& set) {
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

}  // namespace

std::vector<int> parse_core_list(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::vector<int> cores;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto run = text.substr(0, comma);
    const auto dash = run.find('-');
    int first = 0, last = 0;
    if (!parse_number(run.substr(0, dash), first)) return {};
    if (dash == std::string_view::npos) {
      last = first;
    } else if (!parse_number(run.substr(dash + 1), last)) {
      return {};
    }
    for (int core = first; core <= last; ++core) cores.push_back(core);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  std::ranges::sort(cores);
  cores.erase(std::ranges::unique(cores).begin(), cores.end());
  return cores;
}

std::string core_list(const std::vector<int>& cores) {
  std::vector<std::string> runs;
  for (std::size_t begin = 0, end = 0; begin < cores.size(); begin = end) {
    for (end = begin + 1; end < cores.size() && cores[end] == cores[end - 1] + 1;) ++end;
    runs.push_back(end - begin == 1 ? fmt::format("{}", cores[begin])
                                    : fmt::format("{}-{}", cores[begin], cores[end - 1]));
  }
  return fmt::format("{}", fmt::join(runs, ","));
}

NumaNodes numa_nodes(const std::filesystem::path& devices) {
  NumaNodes nodes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(devices / "node", error)) {
    const auto name = entry.path().filename().string();
    int number = 0;
    if (!name.starts_with("node") || !parse_number(std::string_view(name).substr(4), number)) {
      continue;
    }
    auto cores = read_core_list(entry.path() / "cpulist");
    if (!cores.empty()) nodes.emplace(number, std::move(cores));
  }
  return nodes;
}

std::vector<int> hardware_threads(int core, const std::filesystem::path& devices) {
  auto threads = read_core_list(devices / "cpu" / ("cpu" + std::to_string(core)) / "topology" /
                                "thread_siblings_list");
  if (!std::ranges::binary_search(threads, core)) return {core};
  return threads;
}

std::vector<int> bound_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cores = cores_of(set);
  return cores.empty() ? first_cores(online_cores()) : cores;
}

std::vector<int> reachable_cores() {
  cpu_set_t mine, all;
  CPU_ZERO(&mine);
  if (::sched_getaffinity(0, sizeof mine, &mine) != 0) return bound_cores();
  std::fill_n(reinterpret_cast<unsigned char*>(&all), sizeof all, 0xff);
  // The kernel takes those that the cpuset allows, and refuses a set without any.
  if (::sched_setaffinity(0, sizeof all, &all) != 0) return bound_cores();
  auto cores = bound_cores();
  ::sched_setaffinity(0, sizeof mine, &mine);
  return cores;
}

int online_cores() {
  return static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace bertha
