// The peak outlives what made it.
#include "trainer/memory_use.h"

#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <sys/mman.h>
#include <variant>

#include <gtest/gtest.h>

namespace bertha {
namespace {

constexpr std::size_t kPages = 200'000'000;  // bytes of them
constexpr double kBytes = 200e6;

// Straight from the system and given back to it, whatever allocator there is.
void touch_and_free() {
  void* pages = ::mmap(nullptr, kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  std::memset(pages, 1, kPages);
  EXPECT_GE(peak_resident_bytes(), kBytes);
  ASSERT_EQ(::munmap(pages, kPages), 0);
}

std::map<std::string, double> memory_now() {
  MetricsEvent event{"train", 1, {}};
  add_memory(event, c10::kCPU);
  std::map<std::string, double> values;
  for (const auto& [name, value] : event.values) values[name] = std::get<double>(value);
  return values;
}

TEST(MemoryUse, PeakStaysWhenMemoryIsFreed) {
  const auto before = memory_now();
  ASSERT_GT(before.at("memory_bytes"), 1e6);
  ASSERT_NO_FATAL_FAILURE(touch_and_free());
  const auto after = memory_now();
  const auto slack = 0.1 * kBytes;  // what else came and went
  EXPECT_GE(after.at("peak_memory_bytes"), before.at("memory_bytes") + kBytes - slack);
  EXPECT_LT(after.at("memory_bytes"), before.at("memory_bytes") + slack);
  EXPECT_EQ(after.count("device_memory_bytes"), 0U);
}

}  // namespace
}  // namespace bertha
