// /proc of this process, and the statistics of LibTorch's allocator.
#include "trainer/memory_use.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include <c10/core/CachingDeviceAllocator.h>

namespace bertha {

double resident_bytes() {
  double all_pages = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return 1024 * std::stod(line.substr(6));  // says kB
  }
  // May be the peak of the program that started this one: the kernel hands it on. So only here.
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? 1024 * static_cast<double>(usage.ru_maxrss) : 0;
}

void add_memory(MetricsEvent& event, c10::Device device) {
  const auto now = resident_bytes();
  event.values.emplace_back("memory_bytes", now);
  // The kernel counts in batches of pages: the peak may lag behind.
  event.values.emplace_back("peak_memory_bytes", std::max(now, peak_resident_bytes()));
  if (device.is_cpu()) return;
  const auto statistics = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  event.values.emplace_back("device_memory_bytes",
                            static_cast<double>(statistics.reserved_bytes[0].peak));
}

}  // namespace bertha
