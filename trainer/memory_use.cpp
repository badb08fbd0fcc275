// /proc of this process, and the statistics of LibTorch's allocator.
#include "trainer/memory_use.h"

#include <fstream>
#include <unistd.h>

#include <c10/core/CachingDeviceAllocator.h>

namespace bertha {

double resident_bytes() {
  double all_pages = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> all_pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void add_memory(MetricsEvent& event, c10::Device device) {
  event.values.emplace_back("memory_bytes", resident_bytes());
  if (device.is_cpu()) return;
  const auto statistics = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  event.values.emplace_back("device_memory_bytes",
                            static_cast<double>(statistics.reserved_bytes[0].peak));
}

}  // namespace bertha
