// Kineto's events added up by name.
#include "tests/bench/kernel_profile.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <torch/csrc/autograd/profiler_kineto.h>

namespace bertha {
namespace {

namespace kineto = torch::autograd::profiler;
using torch::profiler::impl::ActivityType;

struct Line {
  std::string name;
  std::int64_t launches = 0;
  double seconds = 0;
};

bool is_cpu(const kineto::KinetoEvent& event) {
  return event.deviceType() == c10::DeviceType::CPU;
}

// Without the words that every template's name repeats.
std::string short_name(std::string name) {
  for (const std::string word :
       {"void ", "bertha::", "twin::", "at::native::", "(anonymous namespace)::"}) {
    for (auto at = name.find(word); at != std::string::npos; at = name.find(word)) {
      name.erase(at, word.size());
    }
  }
  return name.size() > 96 ? name.substr(0, 96) + "..." : name;
}

// On the CPU scopes lie in each other: of each event what its children leave of it.
std::vector<double> own_seconds(const std::vector<const kineto::KinetoEvent*>& events) {
  std::vector<double> own;
  std::map<std::uint64_t, std::vector<std::size_t>> open;  // by thread, outermost first
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& event = *events[i];
    own.push_back(1e-9 * static_cast<double>(event.durationNs()));
    if (!is_cpu(event)) continue;
    auto& outer = open[event.startThreadId()];
    while (!outer.empty() && events[outer.back()]->endNs() <= event.startNs()) outer.pop_back();
    if (!outer.empty()) own[outer.back()] -= own[i];
    outer.push_back(i);
  }
  return own;
}

std::vector<Line> lines_of(const kineto::ProfilerResult& result, c10::DeviceType type) {
  std::vector<const kineto::KinetoEvent*> events;
  for (const auto& event : result.events()) {
    if (event.deviceType() == type && !event.isHiddenEvent()) events.push_back(&event);
  }
  std::stable_sort(events.begin(), events.end(), [](const auto* a, const auto* b) {
    return std::pair(a->startNs(), b->endNs()) < std::pair(b->startNs(), a->endNs());
  });
  const auto own = own_seconds(events);
  std::map<std::string, Line> lines;
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto& line = lines[short_name(events[i]->name())];
    line.name = short_name(events[i]->name());
    line.launches += 1;
    line.seconds += own[i];
  }
  std::vector<Line> sorted;
  for (auto& [name, line] : lines) sorted.push_back(std::move(line));
  std::sort(sorted.begin(), sorted.end(),
            [](const Line& a, const Line& b) { return a.seconds > b.seconds; });
  return sorted;
}

}  // namespace

std::string profile_kernels(c10::Device device, int steps, const std::function<void()>& work,
                            const std::string& trace_file) {
  const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
  std::set<ActivityType> activities{ActivityType::CPU};
  if (device.is_cuda()) activities.insert(ActivityType::CUDA);
  kineto::prepareProfiler(config, activities);
  kineto::enableProfiler(config, activities);
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto result = kineto::disableProfiler();
  if (!trace_file.empty()) result->save(trace_file);

  const auto lines = lines_of(*result, device.type());
  double busy = 0;
  std::int64_t launches = 0;
  for (const auto& line : lines) busy += line.seconds, launches += line.launches;
  std::string table = "| kernel | launches | ms a step | share of the step |\n|---|---|---|---|\n";
  for (const auto& line : lines) {
    table += fmt::format("| {} | {:.1f} | {:.3f} | {:.1f} % |\n", line.name,
                         static_cast<double>(line.launches) / steps, 1e3 * line.seconds / steps,
                         100 * line.seconds / took.count());
  }
  return table + fmt::format("| all | {:.1f} | {:.3f} | {:.1f} % of {:.3f} ms |\n",
                             static_cast<double>(launches) / steps, 1e3 * busy / steps,
                             100 * busy / took.count(), 1e3 * took.count() / steps);
}

}  // namespace bertha
