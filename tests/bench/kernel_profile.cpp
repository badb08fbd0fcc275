// Kineto's events added up by name.
#include "tests/bench/kernel_profile.h"

#include <algorithm>
#include <chrono>
#include <kineto/ActivityType.h>
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
using Events = std::vector<const kineto::KinetoEvent*>;

struct Line {
  std::string name;
  std::int64_t launches = 0;
  double seconds = 0;
};

bool is_cpu(const kineto::KinetoEvent& event) {
  return event.deviceType() == c10::DeviceType::CPU;
}

// What runs on a GPU, that is: scopes that the CPU named and waits are reported there, too, beside
// the kernels that they span.
bool is_work(const kineto::KinetoEvent& event) {
  if (is_cpu(event)) return true;
  using Kind = libkineto::ActivityType;
  const auto kind = static_cast<Kind>(event.activityType());
  return kind == Kind::CONCURRENT_KERNEL || kind == Kind::GPU_MEMCPY || kind == Kind::GPU_MEMSET;
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
std::vector<double> own_seconds(const Events& events) {
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

// In the order in which they begin; what others lie in before these.
Events events_of(const kineto::ProfilerResult& result, c10::DeviceType type) {
  Events events;
  for (const auto& event : result.events()) {
    if (event.deviceType() == type && !event.isHiddenEvent() && is_work(event)) {
      events.push_back(&event);
    }
  }
  std::stable_sort(events.begin(), events.end(), [](const auto* a, const auto* b) {
    return std::pair(a->startNs(), b->endNs()) < std::pair(b->startNs(), a->endNs());
  });
  return events;
}

// In which at least one of them ran: kernels of two streams may overlap.
double covered_seconds(const Events& events) {
  std::uint64_t covered_ns = 0, until = 0;
  for (const auto* event : events) {
    const auto begin = std::max(until, event->startNs());
    until = std::max(until, event->endNs());
    covered_ns += until - begin;
  }
  return 1e-9 * static_cast<double>(covered_ns);
}

std::vector<Line> lines_of(const Events& events) {
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

  const auto events = events_of(*result, device.type());
  const auto lines = lines_of(events);
  double busy = 0;
  for (const auto& line : lines) busy += line.seconds;
  if (!device.is_cpu()) busy = covered_seconds(events);
  std::string table = "| kernel | launches | ms a step | share of the step |\n|---|---|---|---|\n";
  for (const auto& line : lines) {
    table += fmt::format("| {} | {:.1f} | {:.3f} | {:.1f} % |\n", line.name,
                         static_cast<double>(line.launches) / steps, 1e3 * line.seconds / steps,
                         100 * line.seconds / took.count());
  }
  return table + fmt::format("| all | {:.1f} | {:.3f} | {:.1f} % of {:.3f} ms |\n",
                             static_cast<double>(events.size()) / steps, 1e3 * busy / steps,
                             100 * busy / took.count(), 1e3 * took.count() / steps);
}

}  // namespace bertha
